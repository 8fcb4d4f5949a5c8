//! Classes: what a player can be, and therefore what a new character starts with.
//! A class has at least one skill; the order of its skills is the order on the action bar.
//! Characters keep the name of their class, never its dense id, because ids change with the data.

use serde::{Deserialize, Serialize};

use super::{AiDef, AttributeTable, MovementDef, Record, Ref, RefVisitor, SkillDef};

/// One class, `class/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassDef {
    /// `class/name`.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// Base values by attribute; what is left out has the attribute's own.
    #[serde(default)]
    pub attributes: AttributeTable,
    /// How it moves.
    pub movement: Ref<MovementDef>,
    /// How it plays when nobody plays it: for the laboratory, and for champions.
    #[serde(default)]
    pub ai: Option<Ref<AiDef>>,
    /// What it can do, in the order of the action bar.
    pub skills: Vec<Ref<SkillDef>>,
}

impl Record for ClassDef {
    const KIND: &'static str = "class";
    const FOLDER: &'static str = "classes";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        self.attributes.visit("attributes", visitor);
        self.movement.visit("movement", visitor);
        if let Some(ai) = &mut self.ai {
            ai.visit("ai", visitor);
        }
        for (index, skill) in self.skills.iter_mut().enumerate() {
            skill.visit(&format!("skills.{index}"), visitor);
        }
    }
}
