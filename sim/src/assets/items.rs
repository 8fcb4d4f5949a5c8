//! Items: what can be found, owned, worn and used.
//! A stack never holds more than `stack_max` of them; what can be worn or has something of its own (charges, rolls) is
//! alone in its slot. Property is stored by the name of the item, so a rename in the data is a migration.

use serde::{Deserialize, Serialize};

use super::{
    AttrRef, ClassDef, EffectDef, Id, Modifier, ModifierOp, Record, Ref, RefVisitor, SetDef, SkillDef, ticks_of,
};

/// One item, `item/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemDef {
    /// `item/name`.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// How precious it is.
    #[serde(default)]
    pub quality: Quality,
    /// Most of them in one stack, 1 to 10,000.
    #[serde(default = "one")]
    pub stack_max: u32,
    /// What one of them is worth, in gold.
    #[serde(default)]
    pub value: u32,
    /// Nobody owns more than one of them, worn or not.
    #[serde(default)]
    pub unique: bool,
    /// When it becomes its owner's for good.
    #[serde(default)]
    pub bind: Bind,
    /// Level from which it can be worn and used.
    #[serde(default = "first_level")]
    pub level: u16,
    /// Who can wear and use it; everybody if it is not written.
    #[serde(default)]
    pub classes: Vec<Ref<ClassDef>>,
    /// Where it is worn and what it does then.
    #[serde(default)]
    pub equip: Option<EquipDef>,
    /// What using it does.
    #[serde(default)]
    pub on_use: Option<OnUseDef>,
    /// The set it belongs to.
    #[serde(default)]
    pub set: Option<Ref<SetDef>>,
    /// What differs from piece to piece.
    #[serde(default)]
    pub random: Option<RandomDef>,
}

/// Where an item is worn and what it does as long as it is.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EquipDef {
    /// Where.
    pub slot: SlotKind,
    /// Nobody wears two of them.
    #[serde(default)]
    pub unique: bool,
    /// Points that it adds to the attribute `weapon`.
    #[serde(default)]
    pub weapon: u32,
    /// Changes of attributes.
    #[serde(default)]
    pub modifiers: Vec<Modifier>,
    /// Effects that last as long as it is worn.
    #[serde(default)]
    pub effects: Vec<Ref<EffectDef>>,
    /// Skills that its wearer has.
    #[serde(default)]
    pub skills: Vec<Ref<SkillDef>>,
}

/// What using an item does.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnUseDef {
    /// The skill that is cast, by all rules of skills.
    pub skill: Ref<SkillDef>,
    /// What each use that takes effect costs.
    #[serde(default)]
    pub uses: Uses,
    /// How long its user must wait before using it, or another of its group, again.
    #[serde(default)]
    pub cooldown: Option<ItemCooldown>,
}

/// What a use of an item costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum Uses {
    /// One of the stack.
    #[default]
    Consumed,
    /// One of so many charges; without any left it is gone.
    Charges(u32),
    /// Nothing.
    Endless,
}

/// A cooldown that items share.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemCooldown {
    /// Items of one group wait for one another; a word such as `potion`.
    pub group: String,
    /// How long, in ms.
    pub ms: u32,
}

impl ItemCooldown {
    /// How long, in ticks.
    #[must_use]
    pub const fn ticks(&self) -> u32 {
        ticks_of(self.ms)
    }
}

/// What differs from piece to piece: drawn when the piece is found, and its own from then on, whatever becomes of this.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomDef {
    /// How many of the lines a piece has, least and most; no line twice.
    pub pick: (u32, u32),
    /// What it may have.
    pub of: Vec<RollDef>,
}

/// Something a piece may have.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollDef {
    /// Which attribute it changes.
    pub attr: AttrRef,
    /// How.
    #[serde(default)]
    pub op: RollOp,
    /// Least and greatest amount, all equally probable.
    pub range: (i32, i32),
    /// How often it is picked, relative to the other lines.
    #[serde(default = "one")]
    pub weight: u32,
}

/// How a roll of a piece changes an attribute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, Serialize, schemars::JsonSchema)]
pub enum RollOp {
    /// Added, in the attribute's own unit.
    #[default]
    Flat,
    /// Basis points, summed with other increases.
    Increased,
    /// Basis points, multiplied on its own.
    More,
}

impl RollOp {
    /// The operation of a modifier with an amount.
    #[must_use]
    pub const fn with(self, amount: i32) -> ModifierOp {
        match self {
            Self::Flat => ModifierOp::Flat(amount),
            Self::Increased => ModifierOp::Increased(amount),
            Self::More => ModifierOp::More(amount),
        }
    }
}

/// Where an item can be worn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, schemars::JsonSchema)]
pub enum SlotKind {
    /// On the head.
    Head,
    /// Around the neck.
    Neck,
    /// On the shoulders.
    Shoulders,
    /// On the back.
    Back,
    /// On the body.
    Chest,
    /// Around the wrists.
    Wrists,
    /// On the hands.
    Hands,
    /// Around the waist.
    Waist,
    /// On the legs.
    Legs,
    /// On the feet.
    Feet,
    /// On one of two fingers.
    Ring,
    /// In one of two pockets.
    Trinket,
    /// In the main hand.
    MainHand,
    /// In the other hand: a shield, a book.
    OffHand,
    /// In either hand.
    OneHand,
    /// In both hands at once.
    TwoHand,
}

impl SlotKind {
    /// Whether it is held in a hand; what is held can be changed in a fight, what is worn cannot.
    #[must_use]
    pub const fn is_held(self) -> bool {
        matches!(self, Self::MainHand | Self::OffHand | Self::OneHand | Self::TwoHand)
    }
}

const fn one() -> u32 {
    1
}

const fn first_level() -> u16 {
    1
}

impl ItemDef {
    /// Whether each of them is a piece with something of its own, alone in its slot.
    #[must_use]
    pub const fn is_piece(&self) -> bool {
        self.equip.is_some() || self.random.is_some() || self.charges() > 0
    }

    /// Whether a class can wear and use it.
    #[must_use]
    pub fn suits(&self, class: Id<ClassDef>) -> bool {
        self.classes.is_empty() || self.classes.iter().any(|own| own.id() == class)
    }

    /// Charges of a new one; 0 for one that does not count them.
    #[must_use]
    pub const fn charges(&self) -> u32 {
        match &self.on_use {
            Some(OnUseDef { uses: Uses::Charges(charges), .. }) => *charges,
            _ => 0,
        }
    }
}

impl Record for ItemDef {
    const KIND: &'static str = "item";
    const FOLDER: &'static str = "items";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        for (index, class) in self.classes.iter_mut().enumerate() {
            class.visit(&format!("classes.{index}"), visitor);
        }
        if let Some(equip) = &mut self.equip {
            for (index, modifier) in equip.modifiers.iter_mut().enumerate() {
                modifier.visit(&format!("equip.modifiers.{index}"), visitor);
            }
            for (index, effect) in equip.effects.iter_mut().enumerate() {
                effect.visit(&format!("equip.effects.{index}"), visitor);
            }
            for (index, skill) in equip.skills.iter_mut().enumerate() {
                skill.visit(&format!("equip.skills.{index}"), visitor);
            }
        }
        if let Some(on_use) = &mut self.on_use {
            on_use.skill.visit("on_use.skill", visitor);
        }
        if let Some(set) = &mut self.set {
            set.visit("set", visitor);
        }
        for (index, roll) in self.random.iter_mut().flat_map(|random| &mut random.of).enumerate() {
            roll.attr.visit(&format!("random.of.{index}.attr"), visitor);
        }
    }
}

/// How precious an item is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, schemars::JsonSchema,
)]
pub enum Quality {
    /// Gray: good for nothing but its value.
    Poor,
    /// White.
    #[default]
    Common,
    /// Green; from here on a party that rolls for things rolls for it.
    Uncommon,
    /// Blue.
    Rare,
    /// Purple.
    Epic,
    /// Orange.
    Legendary,
}

/// When an item becomes its owner's for good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, Serialize, schemars::JsonSchema)]
pub enum Bind {
    /// Never.
    #[default]
    None,
    /// When it is put into a bag.
    OnPickup,
    /// When it is worn.
    OnEquip,
}
