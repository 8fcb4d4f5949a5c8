//! Records that every set of data has: texts built into the program, read in front of the data under the path `core/`.
//! A record of the data with the same id takes the place of a built-in one, so designers can change all of it.
//! The tests of the loader prove that they have no faults.

use super::{
    AiDef, AttributeDef, CombatDef, CurveDef, DiminishDef, FactionDef, FormulaDef, InterruptDef, Record, ThreatDef,
};

/// The built-in texts: kind, path and text.
pub(crate) const FILES: [(&str, &str, &str); 9] = [
    (AttributeDef::KIND, "core/attributes.ron", include_str!("core/attributes.ron")),
    (CurveDef::KIND, "core/curves.ron", include_str!("core/curves.ron")),
    (AiDef::KIND, "core/ai.ron", include_str!("core/ai.ron")),
    (ThreatDef::KIND, "core/threats.ron", include_str!("core/threats.ron")),
    (CombatDef::KIND, "core/combat.ron", include_str!("core/combat.ron")),
    (InterruptDef::KIND, "core/interrupts.ron", include_str!("core/interrupts.ron")),
    (DiminishDef::KIND, "core/diminishing.ron", include_str!("core/diminishing.ron")),
    (FormulaDef::KIND, "core/formulas.ron", include_str!("core/formulas.ron")),
    (FactionDef::KIND, "core/factions.ron", include_str!("core/factions.ron")),
];

/// The text of the built-in file at `path`.
pub(crate) fn text(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(_, own, _)| *own == path).map(|(.., text)| *text)
}
