//! What a client lacks after every fate of its frames.

use super::*;

const A: SimId = SimId::new(1, 0);
const B: SimId = SimId::new(2, 0);

fn view_with(ids: &[SimId]) -> ClientView {
    ClientView { shown: ids.to_vec(), told_tick: 1, introduced: true, ..ClientView::default() }
}

/// Writes a frame about one entity, as `outbound` does.
fn send(view: &mut ClientView, tick: u32, id: SimId) {
    let mut pairs = Vec::new();
    view.list_pairs(&mut pairs);
    pairs.iter_mut().filter(|pair| pair.id == id).for_each(|pair| pair.since_tick = tick);
    // Everybody else lacks what came since.
    (view.apart, view.told_tick) = (pairs, tick);
    view.next_frame(tick, Some((id, id)));
}

fn since(view: &ClientView) -> Vec<u32> {
    let mut pairs = Vec::new();
    view.list_pairs(&mut pairs);
    pairs.iter().map(|pair| pair.since_tick).collect()
}

fn ack(frame: u32, bits: u32, batch_ack: u32) -> InputDatagram {
    InputDatagram {
        sequence: 1,
        view_tick: 0,
        forced_epoch: 0,
        claim_x_cm: 0,
        claim_z_cm: 0,
        frame_ack: frame,
        frame_ack_bits: bits,
        batch_ack,
        steps: crate::protocol::InputSteps::new(),
    }
}

#[test]
fn a_frame_that_younger_ones_overtake_for_good_sets_its_entities_back() {
    let mut view = view_with(&[A, B]);
    for (tick, id) in [(10, A), (11, B), (12, B), (13, B)] {
        send(&mut view, tick, id);
    }
    view.acknowledge(&ack(2, 0, 0), 12).unwrap();
    assert_eq!(since(&view), [10, 13], "it may still be on its way");
    view.acknowledge(&ack(4, 0b11, 0), 14).unwrap();
    assert_eq!(since(&view), [9, 13]);
}

#[test]
fn a_client_that_acknowledges_nothing_lacks_it_after_half_a_second() {
    let mut view = view_with(&[A]);
    send(&mut view, 10, A);
    view.give_up_old(20);
    assert_eq!(since(&view), [10]);
    view.give_up_old(21);
    assert_eq!(since(&view), [9]);
}

#[test]
fn a_frame_without_records_proves_the_loss_of_an_older_one() {
    let mut view = view_with(&[A]);
    send(&mut view, 10, A);
    view.next_frame(11, None);
    view.next_frame(12, None);
    view.acknowledge(&ack(3, 1, 0), 13).unwrap();
    assert_eq!(since(&view), [9]);
}

#[test]
fn what_was_told_beyond_the_last_step_is_lacking_again_as_a_whole() {
    let mut view = view_with(&[A, B]);
    view.except(A, 3);
    send(&mut view, 10, A);
    send(&mut view, 11, B);
    view.give_up_old(22);
    assert_eq!(since(&view), [3, 10]);
}

#[test]
fn a_long_way_gives_frames_longer() {
    let mut view = view_with(&[A]);
    send(&mut view, 10, A);
    view.acknowledge(&ack(1, 0, 0), 18).unwrap();
    send(&mut view, 19, A);
    view.give_up_old(33);
    assert_eq!(since(&view), [19]);
    view.give_up_old(37);
    assert_eq!(since(&view), [18]);
}

#[test]
fn what_a_silent_client_lacks_waits_until_it_speaks() {
    let mut view = view_with(&[A, B]);
    send(&mut view, 50, A);
    view.give_up_old(80);
    send(&mut view, 81, A);
    assert_eq!(since(&view), [81, 1]);
    view.acknowledge(&ack(2, 0, 0), 90).unwrap();
    assert_eq!(since(&view), [49, 1]);
}

#[test]
fn state_that_overtook_the_news_of_an_entity_is_sent_again() {
    let mut view = view_with(&[A]);
    let batch = view.next_batch();
    view.told(&[A], batch, 5);
    send(&mut view, 7, A);
    view.acknowledge(&ack(1, 0, batch), 9).unwrap();
    assert_eq!(since(&view), [5]);
    send(&mut view, 10, A);
    view.acknowledge(&ack(2, 1, batch), 12).unwrap();
    assert_eq!(since(&view), [10], "only once");
}

#[test]
fn acknowledging_what_was_never_sent_is_refused() {
    assert_eq!(view_with(&[]).acknowledge(&ack(1, 0, 0), 1), Err("bad_ack"));
}
