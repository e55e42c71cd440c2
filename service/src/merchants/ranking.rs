//! Which merchants have the largest volumes, without a scan of all merchants at each change.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde::{Deserialize, Serialize, Serializer, de};

use super::volume::Volume;

/// A merchant and its volume. Greater is better: the larger volume, then the smaller id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    /// The merchant.
    pub merchant_id: Box<str>,
    /// The sum of its successful activities.
    #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
    pub volume: Volume,
}

/// The leaders, best first, and a bound on all other merchants: one that succeeded and is not a leader ranks at `floor`
/// or below. Without a floor every merchant that succeeded is a leader. Volumes may fall as well as rise; a leader that
/// falls to the floor or below is dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranking {
    leaders: Vec<Ranked>,
    floor: Option<Ranked>,
}

/// Whether the ranking still has leaders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Leaders {
    Known,
    /// All of them fell to the floor or below: `Ranking::of_best` must make a new ranking.
    Lost,
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.volume
            .cmp(&other.volume)
            .then_with(|| other.merchant_id.cmp(&self.merchant_id))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ranking {
    /// The most leaders that are kept.
    pub const LEADERS_MAX: usize = 100;

    /// A new ranking of the `LEADERS_MAX + 1` best merchants, or more, in any order.
    #[must_use]
    pub fn of_best(best: Vec<Ranked>) -> Self {
        let mut ranking = Self {
            leaders: best,
            floor: None,
        };
        ranking.sort_and_cut();
        ranking
    }

    /// The best merchant; `None` while none has succeeded.
    #[must_use]
    pub fn leader(&self) -> Option<&Ranked> {
        self.leaders.first()
    }

    /// The volume below which a merchant that is no leader cannot become one.
    #[must_use]
    pub fn least(&self) -> Option<Volume> {
        self.floor.as_ref().map(|floor| floor.volume)
    }

    /// Ids of the leaders.
    pub fn leader_ids(&self) -> impl Iterator<Item = &str> {
        self.leaders.iter().map(|leader| &*leader.merchant_id)
    }

    /// Takes the new volumes of merchants that have succeeded: of every leader that changed, and of every other
    /// merchant that reached `least`.
    pub fn change(&mut self, changed: Vec<Ranked>) -> Leaders {
        let ids: HashSet<&str> = changed.iter().map(|one| &*one.merchant_id).collect();
        self.leaders.retain(|leader| !ids.contains(&*leader.merchant_id));
        self.leaders.extend(changed);
        if let Some(floor) = &self.floor {
            self.leaders.retain(|leader| leader > floor);
        }
        self.sort_and_cut();
        if self.leaders.is_empty() && self.floor.is_some() {
            Leaders::Lost
        } else {
            Leaders::Known
        }
    }

    fn sort_and_cut(&mut self) {
        self.leaders.sort_unstable_by(|one, other| other.cmp(one));
        if self.leaders.len() > Self::LEADERS_MAX {
            self.leaders.truncate(Self::LEADERS_MAX + 1);
            self.floor = self.leaders.pop();
        }
    }
}

fn as_text<S: Serializer>(volume: &Volume, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(volume)
}

fn from_text<'de, D: de::Deserializer<'de>>(deserializer: D) -> Result<Volume, D::Error> {
    let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
    text.parse().map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::values::Money;

    fn ranked(id: usize, units: i64) -> Ranked {
        let mut volume = Volume::default();
        volume += Money::from_units(units).expect("a small amount");
        Ranked {
            merchant_id: format!("M{id:04}").into(),
            volume,
        }
    }

    /// Random changes, compared with all volumes in a map: the leader is always right, and only `Lost` needs a scan.
    #[test]
    fn the_leader_is_the_best_of_all_after_any_changes() {
        let mut everybody: HashMap<usize, i64> = HashMap::new();
        let (mut ranking, mut looks, mut state) = (Ranking::default(), 0, 7_u64);
        let mut dice = |sides: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % sides
        };
        for step in 0..3_000 {
            let falls = step % 500 > 400;
            let changed: Vec<usize> = (0..dice(40)).map(|_| dice(400) as usize).collect();
            for id in &changed {
                let by = dice(5) as i64;
                *everybody.entry(*id).or_default() += if falls { -20 * by } else { by };
            }
            let mut changes: HashMap<usize, Ranked> = HashMap::new();
            for id in changed {
                let now = ranked(id, everybody[&id]);
                let is_leader = ranking.leader_ids().any(|leader| *leader == *now.merchant_id);
                if is_leader || ranking.least().is_none_or(|least| now.volume >= least) {
                    changes.insert(id, now);
                }
            }
            if ranking.change(changes.into_values().collect()) == Leaders::Lost {
                looks += 1;
                let mut best: Vec<Ranked> = everybody.iter().map(|(id, units)| ranked(*id, *units)).collect();
                best.sort_by(|one, other| other.cmp(one));
                best.truncate(Ranking::LEADERS_MAX + 1);
                ranking = Ranking::of_best(best);
            }
            let best = everybody.iter().map(|(id, units)| ranked(*id, *units)).max();
            assert_eq!(ranking.leader(), best.as_ref(), "step {step}");
        }
        assert!((1..30).contains(&looks), "{looks}");
    }

    #[test]
    fn it_is_read_as_it_is_written() {
        let ranking = Ranking::of_best((0..=Ranking::LEADERS_MAX).map(|id| ranked(id, id as i64)).collect());
        assert_eq!(ranking.floor, Some(ranked(0, 0)));
        let text = serde_json::to_string(&ranking).expect("can be written");
        assert_eq!(serde_json::from_str::<Ranking>(&text).expect("can be read"), ranking);
        let empty: Ranking = serde_json::from_str(r#"{"leaders":[],"floor":null}"#).expect("the migration's text");
        assert_eq!(empty, Ranking::default());
    }
}
