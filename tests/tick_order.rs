//! The order of a tick is written once and does not change by accident: the built schedule is compared with
//! `tests/tick_order.txt`. After a change that is meant, run with `UPDATE=1` and commit the file.

use sim::testing::TestScene;

#[test]
fn the_built_schedule_is_the_committed_one() {
    let mut scene = TestScene::with_plugins(|app| {
        app.add_plugins(net::plugin);
    });
    let built = scene.scene.schedule_lines().join("\n") + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tick_order.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &built).expect("the file can be written");
    }
    let committed = std::fs::read_to_string(path).expect("tests/tick_order.txt is there");
    for (number, (built, committed)) in built.lines().zip(committed.lines()).enumerate() {
        assert_eq!(built, committed, "system {} of the tick; UPDATE=1 accepts the new order", number + 1);
    }
    assert_eq!(built.lines().count(), committed.lines().count(), "UPDATE=1 accepts the new order");
}
