//! The list of kinds: a kind of record is one line here, a type that is `Record` and `Check`, and its folder. A kind whose
//! records are kept by more than a `Table` names its `Holder` behind `in`.
//! From the list follow the tables of [`Assets`], what the loader reads, what the checks across records see, and what
//! the schema and the reference describe.

use std::sync::Arc;

use super::{
    AiDef, AreaDef, AssetSources, AttributeDef, AttributeRegistry, ClassDef, CombatDef, CurveDef, DiminishDef,
    EffectDef, FactionDef, FormulaDef, InterruptDef, ItemDef, LootDef, MonsterDef, MovementDef, ProjectileDef, Record,
    SceneDef, SetDef, SkillDef, Table, TagRegistry, TestDef, ThreatDef, WorldEventDef,
    load::{LoadedTable, Run, TagRoles},
    memo::Memo,
    schema::KindSchema,
    table::Holder,
};
use crate::epoch::KindOf;

/// One kind as the loader knows it before it reads any record.
pub(crate) struct Kind {
    /// First part of the ids.
    pub(crate) name: &'static str,
    /// Folder below the assets directory.
    pub(crate) folder: &'static str,
    /// What its records are numbered by before their names.
    pub(crate) rank: fn(&str) -> usize,
    /// The names behind the ids of earlier data.
    pub(crate) names: fn(&Assets) -> Vec<&str>,
}

macro_rules! holder {
    ($record:ident) => { Table<$record> };
    ($record:ident $registry:ident) => { $registry };
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $field:ident: $record:ident $(in $registry:ident)?,)*) => {
        /// One epoch of designers' data: every record of every kind, checked, with all references resolved.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Assets {
            $($(#[doc = $doc])* pub $field: holder!($record $($registry)?),)*
            /// The words that records carry and rules ask about.
            pub tags: TagRegistry,
            /// The texts it was read from.
            pub sources: Arc<AssetSources>,
            /// What was read, for the data after this.
            pub(crate) memo: Arc<Memo>,
            /// xxh3 over every path and its content with line endings normalised; equal content gives an equal hash.
            pub hash: u64,
        }

        /// Every kind, in the order of the tables.
        pub(crate) const KINDS: &[Kind] = &[$(Kind {
            name: <$record as Record>::KIND,
            folder: <$record as Record>::FOLDER,
            rank: <$record as Record>::rank,
            names: |assets| assets.$field.table().all().map(Record::id).collect(),
        },)*];

        /// What a record of each kind may say, from the types that read them.
        #[must_use]
        pub fn schemas() -> Vec<KindSchema> {
            vec![$(KindSchema::of::<$record>(stringify!($field), concat!($($doc),*).trim()),)*]
        }

        impl Assets {
            /// The records whose number differs from the one they would have if this data were loaded alone, with it:
            /// what somebody must be told who has the same data and did not come the same way.
            #[must_use]
            pub fn renumbered(&self) -> Vec<(&str, u32)> {
                let mut all = Vec::new();
                $(all.extend(self.$field.table().renumbered());)*
                all
            }

            /// The ids of the records of every kind, in the order of the tables.
            #[must_use]
            pub fn ids(&self) -> Vec<(&'static str, Vec<&str>)> {
                vec![$((<$record as Record>::KIND, self.$field.table().iter().map(|(_, record)| record.id()).collect()),)*]
            }
        }

        $(impl KindOf for $record {
            fn table(assets: &Assets) -> &Table<Self> {
                assets.$field.table()
            }
        })*

        /// Every record that could be read, for checks that look from one record at others.
        pub(crate) struct Records {
            $($(#[doc = $doc])* pub(crate) $field: LoadedTable<$record>,)*
            /// The words that any record mentions.
            pub(crate) tags: TagRegistry,
        }

        impl Records {
            /// Reads and checks every record by itself.
            pub(super) fn read(run: &mut Run<'_>) -> Self {
                Self { $($field: run.read_kind::<$record>(),)* tags: TagRegistry::default() }
            }

            /// Takes over the tags now that all are known, and keeps what is read with that for the next time.
            pub(super) fn resolve_tags(&mut self, tags: TagRegistry, memo: &mut Memo) {
                $(self.$field.resolve_tags(&tags, memo);)*
                self.tags = tags;
            }

            /// Checks every record among the others.
            pub(super) fn check_among(&self, run: &mut Run<'_>) {
                $(run.check_among(&self.$field, self);)*
            }

            /// Reports the tags that records ask for and nothing carries.
            pub(super) fn warn_never_carried(&self, run: &mut Run<'_>) {
                let mut all = TagRoles::default();
                $(run.add_tag_roles(&self.$field, &mut all);)*
                run.warn_never_carried(&all);
            }

            /// The tables, given that nothing is wrong with what was read.
            pub(super) fn assets(&self, before: Option<&Assets>, sources: Arc<AssetSources>, memo: Memo) -> Assets {
                let hash = sources.hash();
                Assets {
                    $($field: Holder::of(Table::new(
                        before.map(|before| before.$field.table()),
                        self.$field.numbered(),
                    )),)*
                    tags: self.tags.clone(),
                    sources,
                    memo: Arc::new(memo),
                    hash,
                }
            }
        }
    };
}

kinds! {
    /// The numbers of units.
    attributes: AttributeDef in AttributeRegistry,
    /// Numbers over levels.
    curves: CurveDef,
    /// What damage and healing is worked out with.
    formulas: FormulaDef,
    /// How scenes decide what becomes of a blow.
    combat: CombatDef,
    /// What ends casts, and what pushes them back.
    interrupts: InterruptDef,
    /// Whose side units are on.
    factions: FactionDef,
    /// What characters and monsters can do.
    skills: SkillDef,
    /// What flies.
    projectiles: ProjectileDef,
    /// What lies on the ground for a while.
    areas: AreaDef,
    /// What can rest on a unit for a while.
    effects: EffectDef,
    /// How crowd control gets weaker when it comes again and again.
    diminishing: DiminishDef,
    /// How units move.
    movements: MovementDef,
    /// What a player can be.
    classes: ClassDef,
    /// What can be owned.
    items: ItemDef,
    /// What does more together.
    sets: SetDef,
    /// What may be found.
    loots: LootDef,
    /// How monsters and champions decide what to do.
    ai: AiDef,
    /// Whom monsters turn to.
    threats: ThreatDef,
    /// What spawners put into a scene.
    monsters: MonsterDef,
    /// The places of the world.
    scenes: SceneDef,
    /// What happens in the world by a timetable.
    events: WorldEventDef,
    /// What must come of given units and deeds; played by `mainspring assets check`, not by scenes.
    tests: TestDef,
}
