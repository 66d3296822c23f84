//! One room: who joins it, what each is told, and when it is over.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use spyhop_api::Shown;
use spyhop_api::room::{
    Area, FromMember, JoinRequest, Joined, RoomCard, RoomEvent, RoomRequest, ToMember,
};
use tokio::sync::watch;

use super::answers::Past;
use super::class::{class, tally, votes};
use super::log::{Log, Newest};
use super::member::Member;
use super::saying::Looking;
use super::tasks::Truth;
use super::{Cursor, RoomError, wording};
use crate::keeping::{edit_key as secret, hash as secret_hash};

/// Members of a room, also those that are gone and may come back.
const MOST_MEMBERS: usize = 400;
/// Connections of one member: a page that comes back may be faster than the end of its last one.
const MOST_CHANNELS: u32 = 4;
/// Whoever is gone for so long gives their place to another one where there is none left.
const PLACE_IS_KEPT: Duration = Duration::from_secs(300);
/// A room in which nobody said anything for so long is over.
const IDLE: Duration = Duration::from_secs(3 * 3600);
/// How long those that poll can still read that it is over.
const FAREWELL: Duration = Duration::from_secs(30);
/// How long a spotlit member may be gone until the leader's view is followed again.
const SPOTLIGHT_WAITS: Duration = Duration::from_secs(15);

/// A room.
pub struct Room {
    code: String,
    key_hash: String,
    inner: Mutex<Inner>,
    /// Wakes all connections.
    public: watch::Sender<()>,
}

/// What is in it.
pub(super) struct Inner {
    pub log: Log,
    /// Where play head and pointer of who is followed are.
    pub follow: Newest,
    /// What the leaders are told of their class.
    pub class: Newest,
    pub tally_is_stale: bool,
    pub votes_are_stale: bool,
    pub members: BTreeMap<u32, Member>,
    by_token: HashMap<String, u32>,
    /// What the task's boxes are held against.
    pub truth: Option<Arc<Truth>>,
    /// Questions and tasks that are over, with what was said.
    pub past: Vec<Past>,
    /// The last number of a question or task.
    pub last_number: u32,
    last_member: u32,
    last_word: Instant,
    ended: Option<Instant>,
}

impl Room {
    /// A room that nobody is in.
    ///
    /// # Errors
    /// When the view makes no sense.
    pub fn new(
        code: String,
        leader_key: &str,
        asked: &RoomRequest,
        now: Instant,
    ) -> Result<Room, RoomError> {
        let mut log = Log::default();
        let view = wording::view(&asked.view)?.to_query();
        log.push(RoomEvent::Shown { shown: Shown { view, ..Shown::default() } });
        let inner = Inner {
            log,
            follow: Newest::default(),
            class: Newest::default(),
            tally_is_stale: false,
            votes_are_stale: false,
            members: BTreeMap::new(),
            by_token: HashMap::new(),
            truth: None,
            past: Vec::new(),
            last_number: 0,
            last_member: 0,
            last_word: now,
            ended: None,
        };
        let public = watch::Sender::new(());
        Ok(Room { code, key_hash: secret_hash(leader_key), inner: Mutex::new(inner), public })
    }

    /// Its code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What whoever has the code is told of it.
    pub fn card(&self, now: Instant) -> RoomCard {
        let inner = self.lock();
        let here = inner.members.values().filter(|m| !m.is_leader && m.is_here(now)).count();
        RoomCard {
            code: self.code.clone(),
            here: u32::try_from(here).unwrap_or(u32::MAX),
            is_led: inner.is_led(now),
            is_full: inner.members.len() >= MOST_MEMBERS && inner.longest_gone(now).is_none(),
        }
    }

    /// Takes somebody in, or the same one again.
    ///
    /// # Errors
    /// When it is full, or the leader key is another one's.
    pub fn join(&self, asked: &JoinRequest, now: Instant) -> Result<Joined, RoomError> {
        let leads = match asked.leader_key.as_str() {
            "" => false,
            key if secret_hash(key) == self.key_hash => true,
            _ => return Err(RoomError::WrongKey),
        };
        let fresh = secret().map_err(|error| RoomError::Chance(error.to_string()))?;
        self.change(now, |inner| {
            if inner.ended.is_some() {
                return Err(RoomError::NoRoom(self.code.clone()));
            }
            let known = inner.by_token.get(&asked.member).copied();
            let (id, token) = match known {
                Some(id) => (id, asked.member.clone()),
                None => (inner.take_in(leads, now)?, fresh),
            };
            inner.by_token.insert(token.clone(), id);
            let Some(member) = inner.members.get_mut(&id) else { return Err(RoomError::NoMember) };
            member.seen = now;
            member.is_leader |= leads;
            let name = wording::name(&asked.name);
            if !name.is_empty() {
                member.name = name;
            }
            member.tell();
            let is_leader = member.is_leader;
            Ok(Joined { code: self.code.clone(), id, member: token, is_leader })
        })
    }

    /// Lets a member say something. `known` is what was found for what [`Room::looks_for`] names.
    ///
    /// # Errors
    /// When it is not theirs to say, makes no sense, or comes too often.
    pub fn say(
        &self,
        id: u32,
        said: FromMember,
        known: &[spyhop_api::Mark],
        now: Instant,
    ) -> Result<(), RoomError> {
        let FromMember::Boxes { task, boxes } = said else {
            return self.change(now, |inner| {
                inner.hear(id, now)?;
                inner.say(id, said, known)
            });
        };
        let truth = {
            let mut inner = self.lock();
            inner.hear(id, now)?;
            inner.truth_of(task)?
        };
        // Away from the room: to pair many boxes with many calls takes a while.
        let result = truth.score(&boxes)?;
        self.change(now, |inner| inner.tried(id, result))
    }

    /// What must be looked up before something can be said: labels of a part of a view.
    pub fn looks_for(&self, id: u32, said: &FromMember) -> Option<Looking> {
        let inner = self.lock();
        inner.members.get(&id).filter(|member| member.is_leader)?;
        Looking::of(said, inner.log.state())
    }

    /// The view that a leader shows, for looking up what is labelled there.
    ///
    /// # Errors
    /// When the token is of nobody who leads.
    pub fn looks_at(&self, token: &str) -> Result<Looking, RoomError> {
        let id = self.member(token)?;
        let inner = self.lock();
        match inner.members.get(&id) {
            Some(member) if member.is_leader => {
                Ok(Looking { view: inner.log.state().shown.view.clone(), area: None })
            }
            _ => Err(RoomError::NotLeading),
        }
    }

    /// The member of a token.
    ///
    /// # Errors
    /// When there is none.
    pub fn member(&self, token: &str) -> Result<u32, RoomError> {
        self.lock().by_token.get(token).copied().ok_or(RoomError::NoMember)
    }

    /// Whether a member leads.
    pub fn is_leader(&self, id: u32) -> bool {
        self.lock().members.get(&id).is_some_and(|member| member.is_leader)
    }

    /// All answers and results as a table, for a leader.
    ///
    /// # Errors
    /// When the token is of nobody who leads.
    pub fn answers(&self, token: &str) -> Result<String, RoomError> {
        let id = self.member(token)?;
        let inner = self.lock();
        match inner.members.get(&id) {
            Some(member) if member.is_leader => Ok(super::answers::table(&inner)),
            _ => Err(RoomError::NotLeading),
        }
    }

    /// Counts a connection of a member; gives what wakes it.
    pub(super) fn connect(
        &self,
        token: &str,
        now: Instant,
    ) -> Result<(u32, watch::Receiver<()>, watch::Receiver<()>), RoomError> {
        let id = self.member(token)?;
        self.change(now, |inner| {
            let member = inner.members.get_mut(&id).ok_or(RoomError::NoMember)?;
            if member.channels >= MOST_CHANNELS {
                return Err(RoomError::Full(
                    "this page is open too often: close the other ones".into(),
                ));
            }
            member.channels += 1;
            let own = member.wake.subscribe();
            inner.tell_whether_led(now);
            Ok((id, self.public.subscribe(), own))
        })
    }

    /// Whether the class is over.
    pub fn has_ended(&self) -> bool {
        self.lock().ended.is_some()
    }

    /// A connection has ended.
    pub(super) fn disconnect(&self, id: u32, now: Instant) {
        let mut inner = self.lock();
        if let Some(member) = inner.members.get_mut(&id) {
            member.channels = member.channels.saturating_sub(1);
            member.seen = now;
        }
    }

    /// What a member has not seen yet, and whether nothing comes after it.
    pub(super) fn news(&self, id: u32, cursor: &mut Cursor) -> (Vec<Bytes>, bool) {
        let mut inner = self.lock();
        let Inner { log, follow, class, members, ended, .. } = &mut *inner;
        let Some(member) = members.get(&id) else { return (Vec::new(), true) };
        let mut news = Vec::new();
        if cursor.seq != Some(log.seq()) {
            news = log.since(cursor.seq);
            cursor.seq = Some(log.seq());
        }
        news.extend(member.mine.since(&mut cursor.mine));
        if member.is_leader {
            news.extend(class.since(&mut cursor.class));
        }
        // Who looks around alone sees no other's play head.
        if !member.is_away {
            news.extend(follow.since(&mut cursor.follow));
        }
        (news, ended.is_some())
    }

    /// Tells what has changed and is told at times only; ends a room that nobody uses.
    pub(super) fn upkeep(&self, now: Instant) {
        let is_idle = now.saturating_duration_since(self.lock().last_word) > IDLE;
        if is_idle {
            self.end(now);
        }
        self.tidy(now, |inner| inner.upkeep(now));
    }

    /// Ends it: nothing of what was said stays.
    pub fn end(&self, now: Instant) {
        self.tidy(now, |inner| {
            if inner.ended.is_none() {
                inner.log.push(RoomEvent::Ended);
                inner.forget(now);
            }
        });
    }

    /// Whether it is over, and has been for long enough that everybody was told.
    pub(super) fn is_gone(&self, now: Instant) -> bool {
        self.lock().ended.is_some_and(|at| now.saturating_duration_since(at) > FAREWELL)
    }

    /// A change that somebody asked for.
    fn change<T>(
        &self,
        now: Instant,
        how: impl FnOnce(&mut Inner) -> Result<T, RoomError>,
    ) -> Result<T, RoomError> {
        self.tidy(now, |inner| {
            inner.last_word = now;
            how(inner)
        })
    }

    /// Changes what is in it, and wakes everybody where all are to be told.
    fn tidy<T>(&self, now: Instant, how: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.lock();
        let before = (inner.log.seq(), inner.follow.version());
        let done = how(&mut inner);
        if inner.log.state().has_ended {
            inner.forget(now);
        }
        if (inner.log.seq(), inner.follow.version()) != before {
            self.public.send_replace(());
        }
        done
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state as it is, for tests.
    #[cfg(test)]
    pub(super) fn state(&self) -> spyhop_api::room::RoomState {
        self.lock().log.state().clone()
    }
}

impl Inner {
    /// A new member's number.
    fn take_in(&mut self, leads: bool, now: Instant) -> Result<u32, RoomError> {
        if self.members.len() >= MOST_MEMBERS && !leads {
            let Some(gone) = self.longest_gone(now) else {
                return Err(RoomError::Full(format!(
                    "this class is full: it takes {MOST_MEMBERS} at most"
                )));
            };
            self.members.remove(&gone);
            self.by_token.retain(|_, id| *id != gone);
        }
        self.last_member += 1;
        let id = self.last_member;
        self.members.insert(id, Member::new(id, String::new(), leads, now));
        Ok(id)
    }

    /// The member that has been gone for the longest, of those that keep no place.
    fn longest_gone(&self, now: Instant) -> Option<u32> {
        let gone = self.members.values().filter(|member| {
            let since = now.saturating_duration_since(member.seen);
            !member.is_leader && member.channels == 0 && since > PLACE_IS_KEPT
        });
        gone.min_by_key(|member| member.seen).map(|member| member.id)
    }

    /// Whether a leader is here.
    pub fn is_led(&self, now: Instant) -> bool {
        self.members.values().any(|member| member.is_leader && member.is_here(now))
    }

    fn tell_whether_led(&mut self, now: Instant) {
        let is_led = self.is_led(now);
        if is_led != self.log.state().is_led {
            self.log.push(RoomEvent::Led { is_led });
        }
    }

    fn upkeep(&mut self, now: Instant) {
        if self.ended.is_some() {
            return;
        }
        self.tell_whether_led(now);
        if let Some(spotlight) = &self.log.state().spotlight {
            let waits = |m: &Member| {
                m.channels > 0 || now.saturating_duration_since(m.seen) < SPOTLIGHT_WAITS
            };
            if !self.members.get(&spotlight.member).is_some_and(waits) {
                self.log.push(RoomEvent::Spotlight { spotlight: None });
            }
        }
        if std::mem::take(&mut self.tally_is_stale) {
            let shown = self.log.state().question.as_ref();
            if let Some(question) = shown.filter(|question| question.tally.is_some()) {
                let tally = tally(question, self.members.values());
                self.log.push(RoomEvent::Tally { tally });
            }
        }
        if std::mem::take(&mut self.votes_are_stale) {
            let votes = votes(&self.log.state().asked, self.members.values());
            if !votes.is_empty() {
                self.log.push(RoomEvent::Votes { votes });
            }
        }
        // Somebody is gone some seconds after they were last here, which nothing else tells.
        let told = ToMember::Class { class: class(&self.members, now) };
        if self.class.set(&told) {
            let leaders = self.members.values().filter(|member| member.is_leader);
            leaders.for_each(|leader| leader.wake.send_replace(()));
        }
    }

    /// Forgets who was here and what they said: it is over.
    fn forget(&mut self, now: Instant) {
        if self.ended.is_some() {
            return;
        }
        self.ended = Some(now);
        self.log.forget();
        self.truth = None;
        self.past.clear();
        self.class = Newest::default();
        self.follow = Newest::default();
        for member in self.members.values_mut() {
            member.forget();
        }
    }

    /// Whether a member may say something now.
    fn hear(&mut self, id: u32, now: Instant) -> Result<(), RoomError> {
        if self.ended.is_some() {
            return Err(RoomError::Invalid("the class is over".into()));
        }
        let member = self.members.get_mut(&id).ok_or(RoomError::NoMember)?;
        member.seen = now;
        if member.may_say(now) { Ok(()) } else { Err(RoomError::TooFast) }
    }

    /// What boxes of a task are held against.
    fn truth_of(&self, task: u32) -> Result<Arc<Truth>, RoomError> {
        let set = self.log.state().task.as_ref().filter(|set| set.id == task);
        let invalid = |why: &str| Err(RoomError::Invalid(why.to_owned()));
        match (set, &self.truth) {
            (Some(set), _) if !set.solution.is_empty() => {
                invalid("the solution of this task has been shown")
            }
            (Some(_), Some(truth)) => Ok(truth.clone()),
            _ => invalid("this task is over"),
        }
    }
}

/// Where a task is, or labels are looked for.
impl Looking {
    /// What has to be known for something to be said.
    fn of(said: &FromMember, state: &spyhop_api::room::RoomState) -> Option<Looking> {
        let of = |view: &str, area: Option<Area>| Looking { view: view.to_owned(), area };
        match said {
            FromMember::RevealLabels { on: true, marks } if marks.is_empty() => {
                Some(of(&state.followed().view, None))
            }
            FromMember::SetTask { area, calls, .. } if calls.is_empty() => {
                Some(of(&state.shown.view, Some(*area)))
            }
            _ => None,
        }
    }
}
