//! Mailboxes: what is kept, what gives way, and who is told.

use super::*;

fn datagram(byte: u8) -> Inbound {
    Inbound::Datagram { bytes: Bytes::copy_from_slice(&[byte]), received_us: 0 }
}

fn frame(byte: u8) -> Inbound {
    Inbound::Frame { bytes: Bytes::copy_from_slice(&[byte]), received_us: 0 }
}

fn ends() -> (TaskEnd, SceneEnd) {
    mailbox(SessionId::next())
}

#[test]
fn a_full_inbox_drops_its_oldest_datagram_for_a_newer_one() {
    let (task, scene) = ends();
    for byte in 0..=64 {
        assert_eq!(task.push(datagram(byte)), Ok(()));
    }
    let mut items = Vec::new();
    let drained = scene.drain(&mut items);
    assert_eq!(items.len(), INBOX_ITEMS_MAX);
    assert_eq!((items.first(), items.last()), (Some(&datagram(1)), Some(&datagram(64))));
    assert_eq!((drained.dropped, scene.drain(&mut items).dropped), (1, 0));
}

#[test]
fn a_full_inbox_refuses_a_frame_and_keeps_the_frames_it_has() {
    let (task, scene) = ends();
    for byte in 0..64 {
        assert_eq!(task.push(frame(byte)), Ok(()));
    }
    assert_eq!(task.push(frame(64)), Err(InboxFull));
    assert_eq!(task.push(datagram(65)), Err(InboxFull));
    let mut items = Vec::new();
    let drained = scene.drain(&mut items);
    assert_eq!((items.len(), drained.dropped), (64, 2));
}

#[test]
fn only_the_datagrams_of_the_newest_tick_are_sent() {
    let (task, scene) = ends();
    let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
    assert_eq!(scene.send_datagrams(7, [bytes("a"), bytes("b")]), 0);
    assert_eq!(scene.send_datagrams(8, [bytes("c")]), 2);
    assert_eq!(scene.send_datagrams(8, [bytes("d")]), 0);
    assert_eq!(task.take().datagrams, [bytes("c"), bytes("d")]);
}

#[test]
fn frames_leave_in_order_and_the_goodbye_comes_after_them() {
    let (task, scene) = ends();
    assert_eq!(scene.send_frame(Bytes::from_static(b"first")), Ok(()));
    scene.goodbye(Goodbye::Kicked);
    assert_eq!(scene.send_frame(Bytes::from_static(b"late")), Ok(()));
    scene.goodbye(Goodbye::Shutdown);
    let outgoing = task.take();
    assert_eq!(outgoing.frames, [Bytes::from_static(b"first")]);
    assert_eq!(outgoing.goodbye, Some(Goodbye::Kicked));
}

#[test]
fn bytes_taken_but_not_written_still_count_as_waiting() {
    let (task, scene) = ends();
    let half = Bytes::from(vec![0; OUTBOX_BYTES_MAX / 2 - PREFIX_BYTES]);
    assert_eq!(scene.send_frame(half.clone()), Ok(()));
    assert_eq!(scene.send_frame(half.clone()), Ok(()));
    let taken = task.take();
    assert!(scene.send_frame(Bytes::from_static(b"more")).is_err());
    for frame in taken.frames {
        task.written(frame.len());
    }
    assert_eq!(scene.send_frame(half), Ok(()));
}

#[test]
fn frames_that_go_along_are_told_of_with_the_datagrams_or_when_asked_for() {
    let port = Arc::new(Port::default());
    let (task, scene) = mailbox_through(SessionId::next(), Arc::clone(&port), LinkKey::of_test(3));
    assert_eq!(scene.send_frame_along(Bytes::from_static(b"batch")), Ok(()));
    assert!(news(&port).called.is_empty() && !task.has_news());
    let mut departures = Departures::default();
    scene.send_datagrams_at(7, [Bytes::from_static(b"state")], 500, &mut departures);
    departures.hand_over();
    let found = news(&port);
    assert_eq!((found.called.len(), found.departures.len()), (0, 1), "one visit for both");
    task.release_datagrams();
    assert!(task.has_news());
    let outgoing = task.take();
    assert_eq!((outgoing.datagrams.len(), outgoing.frames.len()), (1, 1));
    assert_eq!(scene.send_frame_along(Bytes::from_static(b"alone")), Ok(()));
    scene.flush();
    assert_eq!(news(&port).called, [LinkKey::of_test(3)]);
}

#[test]
fn each_end_learns_that_the_other_was_dropped() {
    let (task, scene) = ends();
    drop(task);
    assert_eq!(scene.closed(), Some(CloseCause::Lost));
    let (task, scene) = ends();
    drop(scene);
    assert_eq!(task.take().goodbye, Some(Goodbye::Internal));
}

#[test]
fn the_first_cause_of_a_close_stays() {
    let (task, scene) = ends();
    task.close(CloseCause::Flood);
    task.close(CloseCause::Peer);
    assert_eq!(scene.closed(), Some(CloseCause::Flood));
}

fn news(port: &Port) -> PortNews {
    let mut news = PortNews::default();
    port.take(&mut news);
    news
}

fn through(port: &Arc<Port>, link: u32) -> (TaskEnd, SceneEnd) {
    mailbox_through(SessionId::next(), Arc::clone(port), LinkKey::of_test(link))
}

#[test]
fn a_scene_is_told_once_of_all_that_waits_and_again_after_it_drained() {
    let (task, scene) = ends();
    let (ready, mut tokens, mut items) = (Ready::default(), Vec::new(), Vec::new());
    scene.listen(&ready, 7);
    ready.take(&mut tokens);
    assert_eq!(tokens, [7], "what came before is found");
    scene.drain(&mut items);
    for _ in 0..3 {
        assert_eq!(task.push(datagram(1)), Ok(()));
    }
    ready.take(&mut tokens);
    assert_eq!(tokens, [7]);
    assert_eq!(task.push(datagram(1)), Ok(()));
    ready.take(&mut tokens);
    assert!(tokens.is_empty(), "it has not been drained");
    scene.drain(&mut items);
    task.close(CloseCause::Peer);
    ready.take(&mut tokens);
    assert_eq!((tokens.as_slice(), items.len()), (&[7][..], 4));
}

#[test]
fn a_session_between_scenes_is_on_no_list_and_on_the_next_ones_at_once() {
    let (task, scene) = ends();
    let (first, second, mut tokens) = (Ready::default(), Ready::default(), Vec::new());
    scene.listen(&first, 7);
    scene.stop_listening();
    first.take(&mut tokens);
    assert_eq!(task.push(datagram(1)), Ok(()));
    first.take(&mut tokens);
    assert!(tokens.is_empty());
    scene.listen(&second, 8);
    second.take(&mut tokens);
    assert_eq!(tokens, [8]);
}

#[test]
fn a_connection_is_called_once_for_everything_until_it_looks() {
    let port = Arc::new(Port::default());
    let (task, scene) = through(&port, 3);
    assert_eq!(scene.send_frame(Bytes::from_static(b"one")), Ok(()));
    assert_eq!(scene.send_frame(Bytes::from_static(b"two")), Ok(()));
    scene.goodbye(Goodbye::Kicked);
    assert_eq!(news(&port).called, [LinkKey::of_test(3)]);
    assert!(task.has_news() && !task.has_news());
    assert_eq!(task.take().frames.len(), 2);
    task.say_goodbye(Goodbye::Shutdown);
    assert_eq!(news(&port).called, [LinkKey::of_test(3)]);
}

#[test]
fn datagrams_of_a_tick_wait_for_their_time() {
    let port = Arc::new(Port::default());
    let links: Vec<_> = (0..3).map(|link| through(&port, link)).collect();
    let mut departures = Departures::default();
    for ((_, scene), at_us) in links.iter().zip([100, 110, 120]) {
        scene.send_datagrams_at(1, [Bytes::from_static(b"state")], at_us, &mut departures);
    }
    assert!(news(&port).departures.is_empty());
    departures.hand_over();
    let [list] = &news(&port).departures[..] else { panic!("one list") };
    assert_eq!(list.iter().map(|due| due.at_us).collect::<Vec<_>>(), [100, 110, 120]);
    let (task, scene) = &links[1];
    assert!(!task.has_news() && task.take().datagrams.is_empty());
    task.release_datagrams();
    assert!(task.has_news());
    assert_eq!(task.take().datagrams.len(), 1);
    scene.send_datagrams_at(2, [Bytes::from_static(b"newer")], 200, &mut departures);
    assert!(task.take().datagrams.is_empty(), "the next tick has a time of its own");
}
