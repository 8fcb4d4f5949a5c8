//! Threads: shares the clients of a large scene out. Every client's turn reads the same world and writes nothing but its
//! own session, so that what it is sent does not depend on who else is served by which thread.

use super::{Picture, Scratch, serve};
use crate::sessions::{Session, SessionTable, Visit};
use crate::slots::Slot;

/// One scratch per thread, used again in every tick.
#[derive(Default)]
pub(in super::super) struct Workers {
    scratches: Vec<Scratch>,
}

impl Workers {
    /// Serves the clients of a list; answers the bytes of their batches.
    pub(super) fn serve_all(&mut self, sessions: &mut SessionTable, list: &[Visit], picture: &Picture<'_>) -> u64 {
        let limits = picture.limits;
        let pairs: usize = sessions.listed_mut(list).map(|(_, session)| session.view.shown.len()).sum();
        let count = sessions.len();
        let ranked = sessions.listed_mut(list).map(|(rank, session)| (Slot::new(rank, count), session));
        let thread_count = if pairs >= limits.parallel_pairs_min { limits.threads.max(1) } else { 1 };
        self.scratches.resize_with(thread_count.max(self.scratches.len()), Scratch::default);
        let Some((own, others)) = self.scratches[..thread_count].split_first_mut() else { return 0 };
        if others.is_empty() {
            return serve_some(ranked, picture, own);
        }
        let mut waiting: Vec<(Slot, &mut Session)> = ranked.collect();
        let share = waiting.len().div_ceil(thread_count);
        std::thread::scope(|scope| {
            let mut shares = waiting.chunks_mut(share.max(1));
            let first = shares.next().unwrap_or_default();
            let others: Vec<_> = shares
                .zip(others)
                .map(|(share, scratch)| {
                    scope.spawn(move || {
                        serve_some(share.iter_mut().map(|(slot, one)| (*slot, &mut **one)), picture, scratch)
                    })
                })
                .collect();
            let own_bytes = serve_some(first.iter_mut().map(|(slot, one)| (*slot, &mut **one)), picture, own);
            own_bytes
                + others
                    .into_iter()
                    .map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                    .sum::<u64>()
        })
    }
}

fn serve_some<'a>(
    sessions: impl Iterator<Item = (Slot, &'a mut Session)>,
    picture: &Picture<'_>,
    scratch: &mut Scratch,
) -> u64 {
    scratch.begin(picture);
    sessions.filter_map(|(slot, session)| serve(session, slot, picture, scratch)).sum()
}
