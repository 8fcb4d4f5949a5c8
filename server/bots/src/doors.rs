//! Doors as a bot knows them: what the server shows of them becomes the geometry that the bot predicts and thinks
//! with, and a closed one in its way is opened.

use net::client::ClientSession;
use sim::actor::Kind;
use sim::features::doors::DoorState;
use sim::features::skills::CastCommand;
use sim::intent::CastTarget;
use sim::locomotion::StepInput;
use sim::random::Draw;
use sim::space::Geometry;
use sim::wire::Reader;

use crate::behaviour::{Act, Turn};
use crate::senses::{Bits, Senses};

/// A door is asked for once in so many turns (2 s).
const ASK_AGAIN_TURNS: u32 = 40;
/// Chance per turn to ask for a door in the way, in basis points: of two bots before one door, one should open it.
const ASK_BP: u32 = 1_000;

/// The geometry with its doors as the server shows them; `None` when that is how they are, or nothing is shown.
pub(crate) fn as_shown(session: &ClientSession, bits: Bits, geometry: &Geometry) -> Option<Geometry> {
    let (Some(kind), Some(state)) = (bits.kind, bits.door) else { return None };
    if geometry.door_count() == 0 {
        return None;
    }
    let shown = session.world().entities().filter_map(|entity| {
        let Kind::Door(door) = Kind::from_wire(&mut Reader::new(entity.value(kind)?))? else { return None };
        let open = DoorState::from_wire(&mut Reader::new(entity.value(state)?))?;
        Some((u16::try_from(door).ok()?, open))
    });
    shown.fold(None, |changed, (door, open)| {
        let now = changed.as_ref().unwrap_or(geometry);
        if now.is_door_open(door) == open { changed } else { Some(now.with_door(door, open)) }
    })
}

/// Opens doors, with a little patience.
#[derive(Debug, Default)]
pub(crate) struct Porter {
    ask_turn: u32,
}

impl Porter {
    /// A turn with this step, and a request to open the door in its way, if there is one in reach.
    pub(crate) fn turn(&mut self, senses: &Senses<'_>, step: StepInput, draw: &mut Draw) -> Turn {
        let turn = Turn::step(step);
        if senses.turn < self.ask_turn || senses.geometry.door_count() == 0 {
            return turn;
        }
        let skills = senses.class.skills.iter().map(|skill| skill.id());
        let mut known = skills.filter_map(|id| Some((id, senses.assets.skills.get(id)?.door_reach_m()?)));
        let Some((skill, reach_m)) = known.next() else { return turn };
        let door = senses.geometry.door_in_reach(senses.position(), reach_m);
        let is_in_the_way = door.is_some_and(|door| !senses.geometry.is_door_open(door))
            && !senses.is_way_free(step.wish.normalize_or_zero());
        if !is_in_the_way || !draw.chance_bp(ASK_BP) {
            return turn;
        }
        self.ask_turn = senses.turn + ASK_AGAIN_TURNS;
        turn.and(Act::Cast(CastCommand { skill, target: CastTarget::Caster }))
    }
}
