//! Classes that play themselves: for every class a monster record with its numbers and skills, made for the laboratory
//! alone. It has the skills in the order in which they are worth most: the rarer, the sooner; the mind is a monster's.

use std::cmp::Reverse;
use std::fmt::Write;

use crate::assets::{Action, Assets, ClassDef, SkillDef};

/// The file with all of them, below the monsters.
pub(super) const FILE: &str = "monsters/laboratory_champions.ron";

/// The id of the champion of a class.
pub(super) fn id_of(class: &str) -> String {
    format!("monster/champion.{}", class.split_once('/').map_or(class, |(_, name)| name))
}

/// The records of all champions.
pub(super) fn records(assets: &Assets) -> String {
    let mut text = String::from("[\n");
    for (_, class) in assets.classes.iter() {
        // Writing to a string cannot fail, and plain maps and numbers can always be written.
        let _infallible = write_record(&mut text, class, assets);
    }
    text.push_str("]\n");
    text
}

fn write_record(text: &mut String, class: &ClassDef, assets: &Assets) -> std::fmt::Result {
    let mut skills: Vec<&SkillDef> = class.skills.iter().map(|skill| &assets.skills[skill.id()]).collect();
    skills.retain(|skill| !skill.actions.iter().any(|action| matches!(action, Action::WorkDoor { .. })));
    skills.sort_by_key(|skill| Reverse((skill.cooldown_ms, skill.cast_ms)));
    let skills: Vec<String> = skills.iter().map(|skill| format!("{:?}", skill.id)).collect();
    let attributes = ron::to_string(&class.attributes).map_err(|_| std::fmt::Error)?;
    writeln!(
        text,
        "(id: {:?}, name: {:?}, level: 1, faction: \"players\", attributes: {attributes}, movement: {:?}, \
         senses: (aggro_m: 50), leash_m: 200, skills: [{}], respawn_ms: 60000, corpse_ms: 10000),",
        id_of(&class.id),
        class.name,
        class.movement.name(),
        skills.join(", "),
    )
}
