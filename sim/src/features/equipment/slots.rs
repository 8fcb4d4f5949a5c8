//! The places where something can be worn, and what fits where.

use crate::assets::SlotKind;

/// A place where one thing can be worn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EquipSlot {
    /// For [`SlotKind::Head`].
    Head,
    /// For [`SlotKind::Neck`].
    Neck,
    /// For [`SlotKind::Shoulders`].
    Shoulders,
    /// For [`SlotKind::Back`].
    Back,
    /// For [`SlotKind::Chest`].
    Chest,
    /// For [`SlotKind::Wrists`].
    Wrists,
    /// For [`SlotKind::Hands`].
    Hands,
    /// For [`SlotKind::Waist`].
    Waist,
    /// For [`SlotKind::Legs`].
    Legs,
    /// For [`SlotKind::Feet`].
    Feet,
    /// For one [`SlotKind::Ring`].
    FirstRing,
    /// For another.
    SecondRing,
    /// For one [`SlotKind::Trinket`].
    FirstTrinket,
    /// For another.
    SecondTrinket,
    /// In the main hand, or in both.
    MainHand,
    /// In the other hand.
    OffHand,
}

impl EquipSlot {
    /// How many there are.
    pub const COUNT: usize = 16;

    /// All of them, in the order of their bytes on the wire.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Head,
        Self::Neck,
        Self::Shoulders,
        Self::Back,
        Self::Chest,
        Self::Wrists,
        Self::Hands,
        Self::Waist,
        Self::Legs,
        Self::Feet,
        Self::FirstRing,
        Self::SecondRing,
        Self::FirstTrinket,
        Self::SecondTrinket,
        Self::MainHand,
        Self::OffHand,
    ];

    /// Position in `ALL`.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The byte on the wire.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// The slot behind a byte.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }

    /// Whether others see what is worn there.
    #[must_use]
    pub const fn is_visible(self) -> bool {
        !matches!(self, Self::Neck | Self::FirstRing | Self::SecondRing | Self::FirstTrinket | Self::SecondTrinket)
    }

    /// Where a kind of item can be worn, the preferred place first.
    #[must_use]
    pub const fn of_kind(kind: SlotKind) -> &'static [Self] {
        match kind {
            SlotKind::Head => &[Self::Head],
            SlotKind::Neck => &[Self::Neck],
            SlotKind::Shoulders => &[Self::Shoulders],
            SlotKind::Back => &[Self::Back],
            SlotKind::Chest => &[Self::Chest],
            SlotKind::Wrists => &[Self::Wrists],
            SlotKind::Hands => &[Self::Hands],
            SlotKind::Waist => &[Self::Waist],
            SlotKind::Legs => &[Self::Legs],
            SlotKind::Feet => &[Self::Feet],
            SlotKind::Ring => &[Self::FirstRing, Self::SecondRing],
            SlotKind::Trinket => &[Self::FirstTrinket, Self::SecondTrinket],
            SlotKind::MainHand | SlotKind::TwoHand => &[Self::MainHand],
            SlotKind::OffHand => &[Self::OffHand],
            SlotKind::OneHand => &[Self::MainHand, Self::OffHand],
        }
    }
}
