//! Threads: shares the clients of a large scene out to a pool. Every client's turn reads the same world and writes nothing but its
//! own session, so that what it is sent does not depend on who else is served by which thread.

use std::hint::black_box;

use bevy_tasks::{TaskPool, TaskPoolBuilder};
use smallvec::SmallVec;

use super::{Picture, Scratch, Sent, serve};
use crate::sessions::{Session, SessionTable, Visit};
use crate::slots::Slot;

/// Sessions whose views are asked for at the same time: each lies in memory by itself, and what is asked for together comes
/// together.
const AT_ONCE: usize = 8;

/// One scratch per thread, used again in every tick, and the threads besides the scene's own.
#[derive(Default)]
pub(in super::super) struct Workers {
    scratches: Vec<Scratch>,
    /// Made when they are first needed.
    pool: Option<TaskPool>,
}

impl Workers {
    /// Serves the clients of a list; answers what was handed over to their mailboxes.
    pub(super) fn serve_all(&mut self, sessions: &mut SessionTable, list: &[Visit], picture: &Picture<'_>) -> Sent {
        let limits = picture.limits;
        let pairs: usize = sessions.listed_mut(list).map(|(_, session)| session.view.shown.len()).sum();
        let count = sessions.len();
        let ranked = sessions.listed_mut(list).map(|(rank, session)| (Slot::new(rank, count), session));
        let thread_count = if pairs >= limits.parallel_pairs_min { limits.threads.max(1) } else { 1 };
        self.scratches.resize_with(thread_count.max(self.scratches.len()), Scratch::default);
        let Some((own, others)) = self.scratches[..thread_count].split_first_mut() else { return Sent::default() };
        if others.is_empty() {
            return serve_some(ranked, picture, own);
        }
        let pool = self.pool.get_or_insert_with(|| {
            TaskPoolBuilder::new().num_threads(others.len()).thread_name("replicate".to_owned()).build()
        });
        let mut waiting: Vec<(Slot, &mut Session)> = ranked.collect();
        let share = waiting.len().div_ceil(thread_count).max(1);
        let scratches = std::iter::once(own).chain(others);
        let sent = pool.scope(|scope| {
            for (share, scratch) in waiting.chunks_mut(share).zip(scratches) {
                let ranked = share.iter_mut().map(|(slot, session)| (*slot, &mut **session));
                scope.spawn(async move { serve_some(ranked, picture, scratch) });
            }
        });
        sent.into_iter().fold(Sent::default(), |mut all, sent| {
            all += sent;
            all
        })
    }
}

fn serve_some<'a>(
    mut sessions: impl Iterator<Item = (Slot, &'a mut Session)>,
    picture: &Picture<'_>,
    scratch: &mut Scratch,
) -> Sent {
    scratch.begin(picture);
    let (mut few, mut sent) = (SmallVec::<[(Slot, &mut Session); AT_ONCE]>::new(), Sent::default());
    loop {
        few.extend(sessions.by_ref().take(AT_ONCE));
        if few.is_empty() {
            scratch.courier.hand_over();
            return sent;
        }
        black_box(few.iter().fold(0, |sum: u32, (_, session)| sum.wrapping_add(session.view.touch())));
        for (slot, session) in few.drain(..) {
            sent.frame_bytes += serve(session, slot, picture, scratch).unwrap_or(0);
            scratch.courier.take(session, slot, picture.tick, &mut sent);
        }
    }
}
