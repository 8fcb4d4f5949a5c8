//! What ends a cast, a channel or a charge, pushes it back or leaves it alone: one table, whose rows are kinds of what is
//! under way and whose columns are what can happen. A combat profile names its table; the built-in `interrupt/default` is
//! the table of all that name none. A skill overrides a cell by its own `interrupts`, or by `move`, `pushback`,
//! `interruptible` and `stopped_by`, which are short for cells. The systems stand in `features/skills/interrupts.rs`.

use serde::{Deserialize, Serialize};

use super::{CastKind, CastMove, Record, RefVisitor, SkillDef, TagId, TagList, TagSet};

macro_rules! disturbances {
    ($($(#[doc = $doc:literal])* $name:ident $field:ident,)*) => {
        /// What can happen to whoever is casting: the columns of the table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Disturbance {
            $($(#[doc = $doc])* $name,)*
        }

        impl Disturbance {
            /// All of them, in the order of the columns.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The column's name in the data.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($field),)*
                }
            }
        }

        /// What happens when. A column that is missing is said elsewhere: by a later row of the table, or for a skill by
        /// the table.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct Cells {
            $($(#[doc = $doc])* #[serde(default)] pub $field: Option<Cell>,)*
        }

        impl Cells {
            /// What is said of a column.
            #[must_use]
            pub const fn of(&self, by: Disturbance) -> Option<Cell> {
                match by {
                    $(Disturbance::$name => self.$field,)*
                }
            }
        }
    };
}

disturbances! {
    /// Its caster asks to stop.
    Stops stops,
    /// Its caster takes a step.
    Moves moves,
    /// A blow of another costs its caster hit points.
    Damaged damaged,
    /// An effect of another costs its caster hit points, once per period.
    Burned burned,
    /// It is kicked: the action `Interrupt`.
    Kicked kicked,
    /// Its caster is silenced.
    Silenced silenced,
    /// Its caster is disarmed.
    Disarmed disarmed,
    /// Its caster is stunned.
    Stunned stunned,
    /// Its caster is feared.
    Feared feared,
    /// Its caster is rooted.
    Rooted rooted,
    /// Its caster is in a state without a column by which the skill says that it is `stopped_by`.
    Hindered hindered,
    /// Its caster is pushed or pulled by another.
    Pushed pushed,
    /// Its caster leaps, blinks or charges off, or is set down elsewhere.
    Teleported teleported,
    /// Its caster dies.
    Dies dies,
    /// Its target dies.
    TargetDies target_dies,
    /// Its target leaves, or hides.
    TargetGone target_gone,
    /// Something stands between it and its target.
    TargetHidden target_hidden,
    /// Its target is farther away than it may be at the end.
    TargetFar target_far,
    /// Its caster asks for another cast, which `Nothing` refuses and anything else begins at once.
    Recasts recasts,
    /// Its caster climbs onto something, or takes up something else that another rule says ends casts.
    Mounts mounts,
    /// Its caster leaves the scene, by a portal or by logging out.
    Leaves leaves,
    /// The game data is replaced.
    Reloaded reloaded,
}

impl Disturbance {
    /// The states that are columns, in the order in which they count.
    pub const STATES: [(Self, TagId); 5] = [
        (Self::Stunned, TagId::STUNNED),
        (Self::Feared, TagId::FEARED),
        (Self::Silenced, TagId::SILENCED),
        (Self::Disarmed, TagId::DISARMED),
        (Self::Rooted, TagId::ROOTED),
    ];

    /// The state that it is to get, if it is one.
    #[must_use]
    pub fn state(self) -> Option<TagId> {
        Self::STATES.into_iter().find(|(by, _)| *by == self).map(|(_, tag)| tag)
    }

    /// Whether a push back can come of it; of everything else, what is under way ends or goes on.
    #[must_use]
    pub const fn pushes(self) -> bool {
        matches!(self, Self::Damaged | Self::Burned | Self::Kicked | Self::Pushed)
    }

    /// Whether nothing can go on after it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Dies | Self::Leaves)
    }
}

/// What becomes of what is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Cell {
    /// It goes on.
    Nothing,
    /// Its end moves: away for a cast, nearer for a channel.
    Pushback {
        /// By how much; 0 with `max` 0 for what the skill's own `pushback` says, and nothing if it says nothing.
        #[serde(default)]
        ms: u32,
        /// How often at most.
        #[serde(default)]
        max: u8,
    },
    /// It is ended by others.
    Interrupt {
        /// Whether what was paid at its start and the cooldown come back.
        #[serde(default)]
        refund: bool,
        /// For how long its schools are locked.
        #[serde(default)]
        lockout: Lockout,
    },
    /// Its caster breaks it off.
    Cancel {
        /// Whether what was paid at its start and the cooldown come back.
        #[serde(default)]
        refund: bool,
    },
}

/// For how long the schools of what was interrupted are locked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum Lockout {
    /// As long as the kick says; not at all when it was no kick.
    #[default]
    AsDealt,
    /// Not at all.
    Never,
    /// So many milliseconds.
    Ms(u32),
}

impl Lockout {
    /// How long, when a kick says `dealt_ms`.
    #[must_use]
    pub const fn ms(self, dealt_ms: u32) -> u32 {
        match self {
            Self::AsDealt => dealt_ms,
            Self::Never => 0,
            Self::Ms(ms) => ms,
        }
    }
}

impl Cell {
    /// Ended by others, and no more said.
    pub const INTERRUPT: Self = Self::Interrupt { refund: false, lockout: Lockout::AsDealt };
    /// Broken off, and paid back.
    pub const CANCEL: Self = Self::Cancel { refund: true };

    /// Whether what is under way is over.
    #[must_use]
    pub const fn ends(self) -> bool {
        matches!(self, Self::Interrupt { .. } | Self::Cancel { .. })
    }

    /// In a few words, for the reference.
    #[must_use]
    pub fn in_words(self) -> String {
        let back = |refund: bool| if refund { ", refund" } else { "" };
        match self {
            Self::Nothing => "-".to_owned(),
            Self::Pushback { ms: 0, .. } => "pushed back".to_owned(),
            Self::Pushback { ms, max } => format!("pushed back {ms} ms, {max} times"),
            Self::Interrupt { refund, lockout: Lockout::Ms(ms) } => {
                format!("interrupted{}, schools locked {ms} ms", back(refund))
            }
            Self::Interrupt { refund, .. } => format!("interrupted{}", back(refund)),
            Self::Cancel { refund } => format!("cancelled{}", back(refund)),
        }
    }
}

/// Some cells for some of what can be under way.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InterruptRow {
    /// Of which kinds what is under way is; of any when empty.
    #[serde(default)]
    pub of: Vec<CastKind>,
    /// Tags that its skill must have, all of them, such as `spell`.
    #[serde(default)]
    pub tags: TagList,
    /// What happens when.
    pub cells: Cells,
}

impl InterruptRow {
    /// Whether it is about what is of this kind, apart from its tags.
    #[must_use]
    pub fn concerns(&self, kind: CastKind) -> bool {
        self.of.is_empty() || self.of.contains(&kind)
    }
}

/// One table, `interrupt/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InterruptDef {
    /// `interrupt/name`.
    pub id: String,
    /// The rows. For each column the first row counts that concerns what is under way and says something of the column;
    /// rows without tags must say something of every column for every kind.
    pub rows: Vec<InterruptRow>,
}

impl InterruptDef {
    /// The table of profiles that name none; built in.
    pub const DEFAULT: &'static str = "interrupt/default";

    /// What the table itself says of a column for a kind, of a skill with these tags.
    #[must_use]
    pub fn said(&self, kind: CastKind, tags: &TagSet, by: Disturbance) -> Option<Cell> {
        let mut rows = self.rows.iter().filter(|row| row.concerns(kind) && tags.contains_all(row.tags.set()));
        rows.find_map(|row| row.cells.of(by))
    }

    /// What becomes of a cast of a skill: what the skill itself says counts before the table. Nothing for an instant one.
    #[must_use]
    pub fn cell(&self, skill: &SkillDef, by: Disturbance) -> Cell {
        let Some(kind) = skill.cast.kind() else { return Cell::Nothing };
        let said = self.said(kind, skill.tags.set(), by).unwrap_or(Cell::Nothing);
        let cell = skill.interrupts.of(by).unwrap_or_else(|| skill.short_cell(by, said));
        match (cell, skill.cast.pushback()) {
            (Cell::Pushback { ms: 0, .. }, Some(own)) => Cell::Pushback { ms: own.ms, max: own.max },
            (Cell::Pushback { ms: 0, .. }, None) => Cell::Nothing,
            _ => cell,
        }
    }
}

impl SkillDef {
    /// What the fields that are short for cells make of what the table says.
    fn short_cell(&self, by: Disturbance, said: Cell) -> Cell {
        let ends = |usual: Cell| if said.ends() { said } else { usual };
        let chosen = |is_ended: bool, usual: Cell| if is_ended { ends(usual) } else { Cell::Nothing };
        match by {
            Disturbance::Moves => {
                self.cast.movement().map_or(said, |own| chosen(own == CastMove::Cancels, Cell::CANCEL))
            }
            Disturbance::Kicked => self.cast.interruptible().map_or(said, |own| chosen(own, Cell::INTERRUPT)),
            Disturbance::Damaged if self.cast.pushback().is_some() => Cell::Pushback { ms: 0, max: 0 },
            _ => match (by.state(), &self.stopped_by) {
                (Some(state), Some(list)) => chosen(list.set().has(state), Cell::INTERRUPT),
                _ => said,
            },
        }
    }
}

impl Record for InterruptDef {
    const KIND: &'static str = "interrupt";
    const FOLDER: &'static str = "interrupts";

    fn id(&self) -> &str {
        &self.id
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        for (index, row) in self.rows.iter_mut().enumerate() {
            row.tags.visit(&format!("rows.{index}.tags"), visitor);
        }
    }
}
