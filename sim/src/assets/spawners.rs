//! What there is to say about a spawner besides its place: others that may appear in its stead, the shape of its ground,
//! how it answers a crowd of players; and what ties several spawners of a scene together: pools, of which only so many are
//! active at a time, and groups, whose monsters fight as one. The systems live in `features/monsters`.

use serde::{Deserialize, Serialize};

use super::{MonsterDef, Ref};

/// A monster that appears now and then in the stead of the usual one.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RareDef {
    /// What appears.
    pub monster: Ref<MonsterDef>,
    /// How often, of 10,000 that appear; one roll decides among all, and what is left is the usual monster's.
    pub chance_bp: u32,
}

/// The shape of the ground on which monsters appear.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum SpawnArea {
    /// The disc of `radius_m` around `at`.
    #[default]
    Circle,
    /// Within a line through these corners and back to the first: 3 to 32 of them, either way round, that does not cross
    /// itself and has `at` inside. Every square metre of it that can be walked to from `at` is as likely as another.
    Polygon(Vec<(f32, f32)>),
}

/// How a spawner answers a crowd. Living players in its area and a margin around it are counted once a second.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrowdDef {
    /// How many more monsters there are for each player, in percent of a monster: with `count` 4 and 50, three players
    /// face `4 + 3 * 50 / 100` rounded down, 5. More come at once; fewer only by not coming back.
    #[serde(default)]
    pub per_player_pct: u32,
    /// How many monsters there are at most, `count` to 200.
    pub max: u32,
    /// How far around its area players are counted, in metres.
    #[serde(default = "default_margin_m")]
    pub margin_m: f32,
    /// How much sooner they come back for each player, in percent: the time is multiplied by
    /// `100 / (100 + hurry_pct * players)`, with the players there are when one dies.
    #[serde(default)]
    pub hurry_pct: u32,
    /// However many players there are, nothing comes back sooner than this, in ms, unless it does so by itself.
    #[serde(default = "default_respawn_least_ms")]
    pub respawn_least_ms: u32,
}

const fn default_margin_m() -> f32 {
    30.0
}

const fn default_respawn_least_ms() -> u32 {
    10_000
}

/// Spawners of a scene of which only so many are active at a time. An active one fills its places once; when all its
/// monsters are dead and its respawn time is over, another of the pool, or the same, is drawn in its stead.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolDef {
    /// Name within the scene, `pool/name`.
    pub id: String,
    /// How many are active at a time, from 1 to the number of members.
    pub active: u32,
    /// Who takes turns.
    pub members: Vec<PoolMemberDef>,
}

/// One spawner of a pool.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolMemberDef {
    /// A spawner of the scene, in no other pool.
    pub spawner: String,
    /// How often it is drawn, beside the weights of the others that are not active, 1 to 10,000.
    #[serde(default = "default_weight")]
    pub weight: u32,
}

const fn default_weight() -> u32 {
    1
}

/// Spawners of a scene whose monsters fight as one: when one fights all do, however far `assist_m` carries; who loses its
/// victim turns to that of another; when one gives up by its leash all do; and they are as new only when all are home.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupDef {
    /// Name within the scene, `group/name`.
    pub id: String,
    /// Spawners of the scene, in no other group.
    pub spawners: Vec<String>,
    /// When its dead come back.
    #[serde(default)]
    pub respawn: GroupRespawn,
}

/// When the dead of a group come back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum GroupRespawn {
    /// Each by itself.
    #[default]
    Each,
    /// All at once, when all of them are dead and the respawn time of the first spawner of the list is over.
    Together,
}
