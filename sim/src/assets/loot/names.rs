//! Names of things that outlive the data they were named in: keys that depend on ids as written, never on their order.

/// The key under which a player's bad luck with a row is counted: FNV-1a over the table's id, `>` and the id of what the
/// row gives. Moving the row within its table keeps the count; another item or table in it begins anew.
#[must_use]
pub fn pity_key(table: &str, gives: &str) -> u64 {
    [table, ">", gives]
        .into_iter()
        .flat_map(str::bytes)
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
