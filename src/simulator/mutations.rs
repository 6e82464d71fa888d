//! Changes to a conversation while it is being read.
//!
//! Drawn after a request of a conversation, from (seed, conversation, n-th request), so the same
//! reader meets the same changes whatever it reads elsewhere; or made by a test directly.

use std::time::Duration;

use super::{
    dice::{Dice, Purpose},
    listing::Conversation,
    schedule::{Occasion, Schedule, SpecError, duration, pairs},
};

/// A change, made at once. Positions count from the newest message, which is 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mutation {
    /// This many new messages.
    Arrive {
        /// How many.
        n: u32,
    },
    /// A message appears that was created this long before now.
    Late {
        /// How long ago.
        by: Duration,
    },
    /// A message appears with exactly the time of the one at `position`.
    TieWith {
        /// Which message.
        position: usize,
    },
    /// This many new messages of one and the same time.
    Tie {
        /// How many.
        n: u32,
    },
    /// The messages at these positions are deleted.
    Delete {
        /// Which.
        positions: Vec<usize>,
    },
    /// The newest messages are deleted.
    DeleteNewest {
        /// How many.
        n: usize,
    },
    /// Every message is deleted.
    DeleteAll,
    /// The messages that were deleted last are listed again.
    Restore {
        /// How many.
        n: usize,
    },
    /// The messages at these positions are edited: other words, or an answer given, and a later
    /// `updated_at`.
    Edit {
        /// Which.
        positions: Vec<usize>,
    },
    /// The messages at these positions are as they were before all edits, as on a server that was
    /// restored from a backup.
    Revert {
        /// Which.
        positions: Vec<usize>,
    },
}

/// The kinds of change that can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drawn {
    Arrive,
    Late,
    Later,
    Tie,
    Delete,
    Burst,
    Wipe,
    Edit,
}

const KINDS: [(&str, Drawn); 8] = [
    ("arrive", Drawn::Arrive),
    ("late", Drawn::Late),
    ("later", Drawn::Later),
    ("tie", Drawn::Tie),
    ("delete", Drawn::Delete),
    ("burst", Drawn::Burst),
    ("wipe", Drawn::Wipe),
    ("edit", Drawn::Edit),
];

/// Which changes happen after a request, and how often. The default: none.
#[derive(Debug, Clone, PartialEq)]
pub struct Mutations {
    /// 1 to 3 new messages.
    pub arrive: Schedule,
    /// A message appears late, within the lag.
    pub late: Schedule,
    /// A message appears later than the lag, anywhere in the conversation.
    pub later: Schedule,
    /// 2 to 4 new messages of the same time.
    pub tie: Schedule,
    /// One message is deleted, anywhere.
    pub delete: Schedule,
    /// A run of 2 to 40 messages is deleted, anywhere.
    pub burst: Schedule,
    /// Everything is deleted.
    pub wipe: Schedule,
    /// 1 to 3 messages are edited, half of them among the newest 50.
    pub edit: Schedule,
    /// What `late` stays within and `later` goes beyond.
    pub lag: Duration,
}

impl Default for Mutations {
    fn default() -> Self {
        let never = Schedule::Chance(0.0);
        Self {
            arrive: never.clone(),
            late: never.clone(),
            later: never.clone(),
            tie: never.clone(),
            delete: never.clone(),
            burst: never.clone(),
            wipe: never.clone(),
            edit: never,
            lag: Duration::from_mins(10),
        }
    }
}

impl Mutations {
    /// Reads `arrive=0.05,delete=0.01,edit=@3,lag=10m`.
    ///
    /// # Errors
    /// [`SpecError`] names what is not known or not readable, and what is known.
    pub fn parse(spec: &str) -> Result<Self, SpecError> {
        let mut mutations = Self::default();
        for (name, value) in pairs(spec) {
            let value =
                value.ok_or_else(|| SpecError(format!("`{name}` needs a value: `{name}=0.05`")))?;
            if name == "lag" {
                mutations.lag = duration(value)?;
                continue;
            }
            let kind = KINDS.iter().find(|(known, _)| *known == name);
            let &(_, kind) = kind.ok_or_else(|| {
                let known: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
                SpecError(format!(
                    "unknown mutation `{name}`; known are: {}, lag",
                    known.join(", ")
                ))
            })?;
            *mutations.schedule_mut(kind) = value
                .parse()
                .map_err(|SpecError(why)| SpecError(format!("mutation `{name}`: {why}")))?;
        }
        Ok(mutations)
    }

    const fn schedule_mut(&mut self, kind: Drawn) -> &mut Schedule {
        match kind {
            Drawn::Arrive => &mut self.arrive,
            Drawn::Late => &mut self.late,
            Drawn::Later => &mut self.later,
            Drawn::Tie => &mut self.tie,
            Drawn::Delete => &mut self.delete,
            Drawn::Burst => &mut self.burst,
            Drawn::Wipe => &mut self.wipe,
            Drawn::Edit => &mut self.edit,
        }
    }

    const fn schedule(&self, kind: Drawn) -> &Schedule {
        match kind {
            Drawn::Arrive => &self.arrive,
            Drawn::Late => &self.late,
            Drawn::Later => &self.later,
            Drawn::Tie => &self.tie,
            Drawn::Delete => &self.delete,
            Drawn::Burst => &self.burst,
            Drawn::Wipe => &self.wipe,
            Drawn::Edit => &self.edit,
        }
    }

    /// Makes the changes that are due after this request.
    pub(super) fn strike(
        &self,
        seed: u64,
        at: Occasion,
        conversation: &mut Conversation<'_>,
        now_ms: i64,
    ) {
        for (_, kind) in KINDS {
            let what = kind as u64;
            let schedule = self.schedule(kind);
            if !schedule.strikes(seed, Purpose::Mutation, what, at) {
                continue;
            }
            let key = [at.conversation << 8 | (what + 128), at.request];
            let mut dice = Dice::new(seed, Purpose::Mutation, key);
            let mutation = self.draw(kind, &mut dice, conversation, now_ms);
            mutation.apply(conversation, now_ms);
        }
    }

    /// Makes the changes of the conversation's plan that are due after `requests` of it.
    pub(super) fn keep_plan(conversation: &mut Conversation<'_>, requests: u64) {
        while let Some(planned) = conversation.planned().next_due(requests) {
            planned.mutation.apply(conversation, planned.at.as_millis());
        }
    }

    fn draw(
        &self,
        kind: Drawn,
        dice: &mut Dice,
        conversation: &mut Conversation<'_>,
        now_ms: i64,
    ) -> Mutation {
        let len = conversation.len();
        let lag_ms = i64::try_from(self.lag.as_millis()).unwrap_or(i64::MAX);
        let small = |drawn: u64| u32::try_from(drawn).expect("a small number was drawn");
        match kind {
            Drawn::Arrive => Mutation::Arrive {
                n: small(dice.between(1, 3)),
            },
            Drawn::Tie => Mutation::Tie {
                n: small(dice.between(2, 4)),
            },
            Drawn::Late => Mutation::Late {
                by: Duration::from_millis(dice.millis(lag_ms).unsigned_abs()),
            },
            Drawn::Later => {
                let oldest = conversation.oldest_ms().unwrap_or(now_ms);
                let room = (now_ms - lag_ms - 1 - oldest).max(0);
                let by_ms = lag_ms.saturating_add(1 + dice.millis(room));
                Mutation::Late {
                    by: Duration::from_millis(by_ms.unsigned_abs()),
                }
            }
            Drawn::Delete => Mutation::Delete {
                positions: vec![dice.index(len)],
            },
            Drawn::Burst => {
                let first = dice.index(len);
                let length = dice.between(2, 40);
                Mutation::Delete {
                    positions: (first..).zip(0..length).map(|(place, _)| place).collect(),
                }
            }
            Drawn::Wipe => Mutation::DeleteAll,
            Drawn::Edit => Mutation::Edit {
                positions: (0..dice.between(1, 3))
                    .map(|_| {
                        let among = if dice.percent(50) { len.min(50) } else { len };
                        dice.index(among)
                    })
                    .collect(),
            },
        }
    }
}

impl Mutation {
    /// Makes the change; gives how many messages it touched.
    pub(super) fn apply(&self, conversation: &mut Conversation<'_>, now_ms: i64) -> usize {
        let len = conversation.len();
        match self {
            Self::Arrive { n } => {
                // Spread over the last seconds, as far as the newest message leaves room.
                let newest = conversation.newest_ms();
                let from = newest.map_or(now_ms, |newest| newest.max(now_ms - 1_000));
                let room = (now_ms - from).max(0);
                for number in 1..=i64::from(*n) {
                    conversation.add(from + room * number / i64::from(*n));
                }
                *n as usize
            }
            Self::Tie { n } => {
                let time = conversation
                    .newest_ms()
                    .map_or(now_ms, |newest| newest.max(now_ms));
                for _ in 0..*n {
                    conversation.add(time);
                }
                *n as usize
            }
            Self::Late { by } => {
                let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
                conversation.add(now_ms.saturating_sub(by_ms));
                1
            }
            Self::TieWith { position } => {
                if *position >= len {
                    return 0;
                }
                let entry = conversation.entry(*position);
                let time = conversation.created_ms(entry);
                conversation.add(time);
                1
            }
            Self::Delete { positions } => {
                conversation.delete(positions);
                len - conversation.len()
            }
            Self::DeleteNewest { n } => {
                conversation.delete(&(0..len.min(*n)).collect::<Vec<_>>());
                len - conversation.len()
            }
            Self::DeleteAll => {
                conversation.delete(&(0..len).collect::<Vec<_>>());
                len
            }
            Self::Restore { n } => conversation.restore(*n),
            Self::Edit { positions } => {
                let present = positions.iter().filter(|&&position| position < len);
                present
                    .map(|&position| conversation.edit(position, now_ms))
                    .count()
            }
            Self::Revert { positions } => {
                let present = positions.iter().filter(|&&position| position < len);
                present
                    .map(|&position| conversation.revert(position))
                    .count()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_is_read_and_a_wrong_one_lists_what_is_known() {
        let mutations = Mutations::parse("arrive=0.05, delete=@3,lag=2s").unwrap();
        assert_eq!(mutations.arrive, Schedule::Chance(0.05));
        assert_eq!(mutations.delete, Schedule::at(3));
        assert_eq!(mutations.lag, Duration::from_secs(2));
        assert_eq!(Mutations::parse(""), Ok(Mutations::default()));
        let error = Mutations::parse("explode=1").unwrap_err().to_string();
        assert!(
            error.contains("`explode`") && error.contains("burst"),
            "{error}"
        );
        let error = Mutations::parse("edit=lots").unwrap_err().to_string();
        assert!(error.contains("mutation `edit`"), "{error}");
    }
}
