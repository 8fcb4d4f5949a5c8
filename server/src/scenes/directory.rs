//! Who is where: the one place that decides which scene a player belongs to, and that keeps characters between
//! their sessions, in memory, for the life of the process.
//!
//! A resume token is good while its character is in the world and its session is the player's newest: so it is used up by
//! the session it begins, by any login, and by the character's leave 60 s after its link was lost.
//!
//! A player is entered before the session reaches the scene, and moved only by the thread of the scene it is in.
//! So a session that arrives at a scene its player has just left is known to, and is sent on.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use net::mailbox::SessionId;
use net::resumption::TokenDigest;
use sim::features::buffs::Away;
use sim::ids::PlayerId;
use sim::input::Character;

/// Characters kept between sessions; beyond it the one that left longest ago is forgotten.
pub const STORED_MAX: usize = 65_536;

/// Shorter absences are none: going through a portal takes that long.
const AWAY_MIN: Duration = Duration::from_secs(1);

/// A scene as the directory sees it.
#[derive(Debug, Clone)]
pub struct SceneEntry {
    /// Id such as `scene/field`.
    pub name: String,
    /// Most players in it.
    pub players_max: usize,
}

/// Where a session belongs.
#[derive(Debug, PartialEq, Eq)]
pub enum Settled {
    /// In this scene, with this character if it is not there already.
    Here(Box<Character>),
    /// In another scene, by its place in the list.
    Elsewhere(usize),
    /// Nowhere: the same player has logged in again since.
    Superseded,
    /// Nowhere: it came to resume a character that is kept no more.
    Nobody,
}

/// A session as it asks for a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// Its number; later ones are higher.
    pub session: SessionId,
    /// The digest of what its client may come back with.
    pub resume: Option<TokenDigest>,
}

/// A place that a session was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The scene, by its place in the list.
    pub scene: usize,
    /// The session that was the player's until now; `None` for one who was not present.
    pub former: Option<Ticket>,
}

/// No scene has a free place for the player, or there is no such scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no free place for another player")]
pub struct NoPlace;

/// The token was never given out, is used up, or its character has left the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing to resume")]
pub struct NothingToResume;

#[derive(Clone, Copy)]
struct Presence {
    scene: usize,
    /// The newest login; sessions can overtake one another on their way to a scene.
    ticket: Ticket,
}

struct Stored {
    character: Character,
    scene: usize,
    left: Instant,
    departure: u64,
}

impl Stored {
    /// The character as it comes back, with the time it was away: the simulation has no clock of its own.
    fn returning(&self) -> Character {
        let mut character = self.character.clone();
        let away = self.left.elapsed();
        if away >= AWAY_MIN {
            character.parts.push(Away::part(u64::try_from(away.as_millis()).unwrap_or(u64::MAX)));
        }
        character
    }
}

struct State {
    scenes: Vec<SceneEntry>,
    start: usize,
    players_max: usize,
    present: BTreeMap<PlayerId, Presence>,
    /// Whose newest session may be resumed with what. Hashed with a key of this process, so that the time of a search
    /// says nothing about the digests in it.
    tokens: HashMap<TokenDigest, PlayerId>,
    counts: Vec<usize>,
    stored: BTreeMap<PlayerId, Stored>,
    /// The stored ones by when they left.
    departures: BTreeMap<u64, PlayerId>,
    departed_count: u64,
}

/// Who is where. Shared by the gateway and all tick threads; every call is short.
pub struct Directory(Mutex<State>);

impl Directory {
    /// An empty directory; newcomers enter `scenes[start]`, and `players_max` may be present in all.
    #[must_use]
    pub fn new(scenes: Vec<SceneEntry>, start: usize, players_max: usize) -> Self {
        Self(Mutex::new(State {
            counts: vec![0; scenes.len()],
            scenes,
            start,
            players_max,
            present: BTreeMap::new(),
            tokens: HashMap::new(),
            stored: BTreeMap::new(),
            departures: BTreeMap::new(),
            departed_count: 0,
        }))
    }

    /// Enters a player who logs in: into the scene they are in, else the one they left, else the first.
    ///
    /// # Errors
    /// [`NoPlace`] when there is none.
    pub fn enter(&self, player: PlayerId, ticket: Ticket) -> Result<Entry, NoPlace> {
        let mut state = self.locked();
        if let Some(entry) = state.renew(player, ticket) {
            return Ok(entry);
        }
        let left = state.stored.get(&player).map(|stored| stored.scene);
        let scene = left.into_iter().chain([state.start]).find(|&scene| state.has_place(scene)).ok_or(NoPlace)?;
        if state.present.len() >= state.players_max {
            return Err(NoPlace);
        }
        state.place(player, Presence { scene, ticket });
        Ok(Entry { scene, former: None })
    }

    /// Enters a player who comes back with the token of the session before; answers who it is and where they are.
    ///
    /// # Errors
    /// [`NothingToResume`]; who shows it cannot tell why.
    pub fn resume(&self, token: TokenDigest, ticket: Ticket) -> Result<(PlayerId, Entry), NothingToResume> {
        let mut state = self.locked();
        let player = *state.tokens.get(&token).ok_or(NothingToResume)?;
        let entry = state.renew(player, ticket).ok_or(NothingToResume)?;
        Ok((player, entry))
    }

    /// Says where a session that has reached `scene` belongs, and hands out the character: the stored one, or else the
    /// `newcomer`. A player who is in no scene any more is entered here.
    pub fn settle(&self, player: PlayerId, ticket: Ticket, scene: usize, newcomer: Option<&Character>) -> Settled {
        let mut state = self.locked();
        let kept = state.stored.get(&player).map(Stored::returning);
        let character = kept.or_else(|| newcomer.cloned());
        match (state.present.get(&player), character) {
            (Some(presence), _) if presence.ticket.session > ticket.session => Settled::Superseded,
            (Some(presence), _) if presence.scene != scene => Settled::Elsewhere(presence.scene),
            // One that has never left the world is where it was, and nothing has been kept of it.
            (Some(_), character) => Settled::Here(Box::new(character.unwrap_or_default())),
            // Left between login and arrival: the place that was just freed is taken again.
            (None, Some(character)) => {
                state.place(player, Presence { scene, ticket });
                Settled::Here(Box::new(character))
            }
            (None, None) => Settled::Nobody,
        }
    }

    /// A character has left the world from `scene`, and is kept.
    pub fn leave(&self, player: PlayerId, scene: usize, character: Character) {
        let mut state = self.locked();
        state.remove(player);
        state.store(player, scene, character);
    }

    /// A session will not reach its scene. If it is still the player's newest, the player is in none.
    pub fn cancel(&self, player: PlayerId, session: SessionId) {
        let mut state = self.locked();
        if state.present.get(&player).is_some_and(|presence| presence.ticket.session == session) {
            state.remove(player);
        }
    }

    /// A session that was entered will not reach its scene, whose way is full. If it is still the player's newest, all is
    /// as it was before: the former session is the player's, with what it may be resumed with, or the player is nowhere.
    pub fn take_back(&self, player: PlayerId, session: SessionId, entry: Entry) {
        let Some(former) = entry.former else { return self.cancel(player, session) };
        let mut state = self.locked();
        if let Some(presence) = state.present.get_mut(&player).filter(|presence| presence.ticket.session == session) {
            let refused = std::mem::replace(&mut presence.ticket, former);
            state.forget(refused);
            state.remember(player, former);
        }
    }

    /// A character goes to the scene called `to`; from now on the player belongs there. Answers its place in the list.
    ///
    /// # Errors
    /// [`NoPlace`] when that scene is full or does not exist; the player then stays where they are, with the
    /// character kept for them.
    pub fn transfer(&self, player: PlayerId, from: usize, to: &str, character: Character) -> Result<usize, NoPlace> {
        let mut state = self.locked();
        let scene = state.scenes.iter().position(|scene| scene.name == to);
        let scene = scene.filter(|&scene| scene == from || state.has_place(scene));
        state.store(player, scene.unwrap_or(from), character);
        let scene = scene.ok_or(NoPlace)?;
        if let Some(presence) = state.remove(player) {
            state.place(player, Presence { scene, ..presence });
        }
        Ok(scene)
    }

    /// Players in a scene or on their way to it.
    #[must_use]
    pub fn count(&self, scene: usize) -> usize {
        self.locked().counts.get(scene).copied().unwrap_or(0)
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        // No call can panic half-way, so a poisoned directory is still a true one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_place(&self, scene: usize) -> bool {
        let pair = self.counts.get(scene).zip(self.scenes.get(scene));
        pair.is_some_and(|(&count, entry)| count < entry.players_max)
    }

    /// Makes `ticket` the session of a player who is present, if it is newer.
    fn renew(&mut self, player: PlayerId, ticket: Ticket) -> Option<Entry> {
        let presence = self.present.get_mut(&player)?;
        let (scene, former) = (presence.scene, presence.ticket);
        if ticket.session > former.session {
            presence.ticket = ticket;
            self.forget(former);
            self.remember(player, ticket);
        }
        Some(Entry { scene, former: Some(former) })
    }

    fn remember(&mut self, player: PlayerId, ticket: Ticket) {
        if let Some(digest) = ticket.resume {
            self.tokens.insert(digest, player);
        }
    }

    fn forget(&mut self, ticket: Ticket) {
        if let Some(digest) = ticket.resume {
            self.tokens.remove(&digest);
        }
    }

    fn place(&mut self, player: PlayerId, presence: Presence) {
        self.remember(player, presence.ticket);
        if let Some(count) = self.counts.get_mut(presence.scene)
            && self.present.insert(player, presence).is_none()
        {
            *count += 1;
        }
    }

    fn remove(&mut self, player: PlayerId) -> Option<Presence> {
        let presence = self.present.remove(&player)?;
        self.forget(presence.ticket);
        if let Some(count) = self.counts.get_mut(presence.scene) {
            *count = count.saturating_sub(1);
        }
        Some(presence)
    }

    fn store(&mut self, player: PlayerId, scene: usize, character: Character) {
        self.departed_count += 1;
        let departure = self.departed_count;
        if let Some(earlier) = self.stored.insert(player, Stored { character, scene, left: Instant::now(), departure })
        {
            self.departures.remove(&earlier.departure);
        }
        self.departures.insert(departure, player);
        if self.stored.len() > STORED_MAX
            && let Some((_, longest_gone)) = self.departures.pop_first()
        {
            self.stored.remove(&longest_gone);
            tracing::warn!(player = %longest_gone, limit = STORED_MAX, "a stored character was forgotten to make room");
        }
    }
}

#[cfg(test)]
mod tests {
    use net::protocol::NO_RESUME_TOKEN;

    use super::*;

    fn directory(players_max: usize) -> Directory {
        let scene = |name: &str, players_max| SceneEntry { name: name.to_owned(), players_max };
        Directory::new(vec![scene("scene/dungeon", 1), scene("scene/field", 2)], 1, players_max)
    }

    fn character(name: &str) -> Character {
        Character { name: name.to_owned(), ..Character::default() }
    }

    fn here(name: &str) -> Settled {
        Settled::Here(Box::new(character(name)))
    }

    const fn ticket(number: u8) -> Ticket {
        Ticket { session: SessionId(number as u64), resume: Some(TokenDigest::from_bytes([number; 32])) }
    }

    fn token(ticket: Ticket) -> TokenDigest {
        ticket.resume.expect("it can be resumed")
    }

    const FIRST: Ticket = ticket(1);
    const SECOND: Ticket = ticket(2);
    const THIRD: Ticket = ticket(3);
    const fn entry(scene: usize, former: Option<Ticket>) -> Entry {
        Entry { scene, former }
    }

    const A: PlayerId = PlayerId(1);
    const B: PlayerId = PlayerId(2);
    const C: PlayerId = PlayerId(3);

    #[test]
    fn a_newcomer_enters_the_start_scene_and_a_second_login_goes_to_the_same_place() {
        let directory = directory(10);
        assert_eq!(directory.enter(A, FIRST), Ok(entry(1, None)));
        assert_eq!(directory.enter(A, SECOND), Ok(entry(1, Some(FIRST))));
        assert_eq!(directory.settle(A, SECOND, 1, Some(&character("new"))), here("new"));
        assert_eq!(directory.count(1), 1);
    }

    #[test]
    fn a_full_scene_and_a_full_server_take_nobody() {
        let crowded = directory(10);
        assert_eq!([A, B, C].map(|player| crowded.enter(player, FIRST).is_ok()), [true, true, false]);
        let small = directory(1);
        assert_eq!([A, B].map(|player| small.enter(player, FIRST).is_ok()), [true, false]);
        small.cancel(A, FIRST.session);
        assert_eq!(small.enter(B, FIRST), Ok(entry(1, None)));
    }

    #[test]
    fn a_session_that_arrives_where_its_player_has_just_left_is_sent_on() {
        let directory = directory(10);
        assert_eq!(directory.enter(A, FIRST), Ok(entry(1, None)));
        assert_eq!(directory.transfer(A, 1, "scene/dungeon", character("a")), Ok(0));
        assert_eq!(directory.settle(A, FIRST, 1, Some(&character("new"))), Settled::Elsewhere(0));
        assert_eq!(directory.settle(A, FIRST, 0, Some(&character("new"))), here("a"));
        assert_eq!((directory.count(0), directory.count(1)), (1, 0));
    }

    #[test]
    fn a_full_scene_behind_a_portal_leaves_the_player_where_they_are() {
        let directory = directory(10);
        for player in [A, B] {
            assert!(directory.enter(player, FIRST).is_ok());
        }
        assert_eq!(directory.transfer(A, 1, "scene/dungeon", character("a")), Ok(0));
        assert_eq!(directory.transfer(B, 1, "scene/dungeon", character("b")), Err(NoPlace));
        assert_eq!(directory.settle(B, FIRST, 1, Some(&character("new"))), here("b"));
    }

    #[test]
    fn a_character_comes_back_to_the_scene_it_left() {
        let directory = directory(10);
        assert!(directory.enter(A, FIRST).is_ok());
        directory.leave(A, 0, character("a"));
        assert_eq!(directory.enter(A, FIRST), Ok(entry(0, None)));
        assert_eq!(directory.settle(A, FIRST, 0, Some(&character("new"))), here("a"));
    }

    #[test]
    fn a_player_who_left_between_login_and_arrival_is_entered_again() {
        let directory = directory(10);
        assert_eq!(directory.enter(A, FIRST), Ok(entry(1, None)));
        directory.leave(A, 1, character("a"));
        assert_eq!((directory.count(1), directory.settle(A, FIRST, 1, Some(&character("new")))), (0, here("a")));
        assert_eq!(directory.count(1), 1);
    }

    #[test]
    fn a_session_that_was_overtaken_by_a_newer_login_is_superseded() {
        let directory = directory(10);
        assert!(directory.enter(A, FIRST).is_ok());
        assert_eq!(directory.enter(A, SECOND), Ok(entry(1, Some(FIRST))));
        assert_eq!(directory.settle(A, SECOND, 1, Some(&character("new"))), here("new"));
        assert_eq!(directory.settle(A, FIRST, 1, Some(&character("new"))), Settled::Superseded);
    }

    #[test]
    fn a_token_brings_its_player_back_once() {
        let directory = directory(10);
        assert!(directory.enter(A, FIRST).is_ok() && directory.enter(B, SECOND).is_ok());
        assert_eq!(directory.resume(token(FIRST), THIRD), Ok((A, entry(1, Some(FIRST)))));
        assert_eq!(directory.resume(token(FIRST), THIRD), Err(NothingToResume));
        assert_eq!(directory.settle(A, FIRST, 1, None), Settled::Superseded);
        assert_eq!(directory.settle(A, THIRD, 1, None), Settled::Here(Box::default()));
        assert_eq!(directory.count(1), 2);
    }

    #[test]
    fn a_token_ends_with_the_stay_of_its_character_and_with_any_login() {
        let directory = directory(10);
        assert!(directory.enter(A, FIRST).is_ok() && directory.enter(A, SECOND).is_ok());
        assert_eq!(directory.resume(token(FIRST), THIRD), Err(NothingToResume), "a login has replaced it");
        directory.leave(A, 1, character("a"));
        assert_eq!(directory.resume(token(SECOND), THIRD), Err(NothingToResume), "the character has left");
        assert_eq!(directory.resume(TokenDigest::of(&NO_RESUME_TOKEN), THIRD), Err(NothingToResume));
    }

    #[test]
    fn a_token_goes_through_portals() {
        let directory = directory(10);
        assert!(directory.enter(A, FIRST).is_ok());
        assert_eq!(directory.transfer(A, 1, "scene/dungeon", character("a")), Ok(0));
        assert_eq!(directory.resume(token(FIRST), SECOND), Ok((A, entry(0, Some(FIRST)))));
        assert_eq!(directory.settle(A, SECOND, 0, None), here("a"));
    }

    #[test]
    fn who_left_while_resuming_comes_back_as_kept_or_not_at_all() {
        let directory = directory(10);
        assert!(directory.enter(A, FIRST).is_ok());
        assert_eq!(directory.resume(token(FIRST), SECOND), Ok((A, entry(1, Some(FIRST)))));
        directory.leave(A, 1, character("a"));
        assert_eq!(directory.settle(A, SECOND, 1, None), here("a"));
        assert_eq!(directory.settle(C, THIRD, 1, None), Settled::Nobody);
    }

    #[test]
    fn a_session_that_is_taken_back_leaves_the_one_before_as_it_was() {
        let directory = directory(10);
        assert!(directory.enter(A, FIRST).is_ok());
        for session in [SECOND, THIRD] {
            let by_name = directory.enter(A, session).unwrap();
            directory.take_back(A, session.session, by_name);
            let (player, by_token) = directory.resume(token(FIRST), session).unwrap();
            directory.take_back(player, session.session, by_token);
            assert_eq!(directory.resume(token(session), session), Err(NothingToResume), "what was refused is void");
        }
        assert_eq!(directory.settle(A, FIRST, 1, None), Settled::Here(Box::default()));
        assert_eq!((directory.resume(token(FIRST), SECOND), directory.count(1)), (Ok((A, entry(1, Some(FIRST)))), 1));
    }

    #[test]
    fn what_was_overtaken_by_a_newer_login_takes_nothing_back() {
        let directory = directory(10);
        let first = directory.enter(A, FIRST).unwrap();
        let second = directory.enter(A, SECOND).unwrap();
        assert!(directory.enter(A, THIRD).is_ok());
        directory.take_back(A, SECOND.session, second);
        directory.take_back(A, FIRST.session, first);
        assert_eq!(directory.resume(token(FIRST), THIRD), Err(NothingToResume));
        assert_eq!((directory.count(1), directory.settle(A, THIRD, 1, None)), (1, Settled::Here(Box::default())));
    }
}
