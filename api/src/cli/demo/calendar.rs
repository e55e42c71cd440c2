//! The days of the demo's history, and the moments of a day.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Weekday};
use service::values::Timestamp;

use super::people::{FOUNDERS, Fate, PEOPLE, Person};

/// The history's days: whole ones, and what of today is over.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    present: Timestamp,
    /// How many whole days there are before today; 0 for no history.
    days: u32,
}

/// A time of the day at which customers do something.
pub struct HistoryMoment {
    /// The hour at which it begins, in UTC.
    pub hour: u32,
    /// How many of a thousand workers buy something in it.
    pub buying: u64,
}

/// The moments of a day.
pub const MOMENTS: [HistoryMoment; 12] = [
    moment(6, 90),
    moment(8, 190),
    moment(9, 110),
    moment(11, 120),
    moment(12, 230),
    moment(13, 140),
    moment(15, 120),
    moment(17, 170),
    moment(18, 230),
    moment(19, 190),
    moment(21, 120),
    moment(22, 60),
];

/// How long a moment lasts.
pub const MOMENT: TimeDelta = TimeDelta::minutes(50);

/// The times in this program are told in days of a history of this length, and stretched to that of others.
pub const USUAL_DAYS: u32 = 45;

/// The days on which the staff does something about a customer.
pub const LIMITED: u32 = 8;
pub const FROZEN_AWHILE: u32 = 12;
pub const UNFROZEN: u32 = 14;
pub const FROZEN: u32 = 27;
pub const CLOSED: u32 = 30;
pub const SUSPENDED: u32 = 33;
pub const ERASED: u32 = 36;

const fn moment(hour: u32, buying: u64) -> HistoryMoment {
    HistoryMoment { hour, buying }
}

impl Calendar {
    pub const fn new(present: Timestamp, days: u32) -> Self {
        Self { present, days }
    }

    pub const fn days(&self) -> u32 {
        self.days
    }

    /// The day, counted from the first one, on which that of a history of 45 days falls.
    pub fn scaled(&self, of_usual: u32) -> u32 {
        of_usual.saturating_mul(self.days) / USUAL_DAYS
    }

    /// True on the day on which that of a history of 45 days falls.
    pub fn is(&self, day: u32, of_usual: u32) -> bool {
        self.scaled(of_usual) == day
    }

    /// True from that day on.
    pub fn is_past(&self, day: u32, of_usual: u32) -> bool {
        self.scaled(of_usual) <= day
    }

    /// The date of a day.
    pub fn date(&self, day: u32) -> NaiveDate {
        let first = self.present.date_naive() - Days::new(self.days.into());
        first + Days::new(day.into())
    }

    pub fn is_weekend(&self, day: u32) -> bool {
        matches!(self.date(day).weekday(), Weekday::Sat | Weekday::Sun)
    }

    /// When an hour of a day begins.
    pub fn hour(&self, day: u32, hour: u32) -> Timestamp {
        let midnight = self.date(day).and_time(NaiveTime::MIN).and_utc();
        midnight + TimeDelta::hours(hour.into())
    }

    /// When a moment begins; `None` if it is not over yet.
    pub fn past_moment(&self, day: u32, moment: &HistoryMoment) -> Option<Timestamp> {
        let at = self.hour(day, moment.hour);
        (at + MOMENT <= self.present).then_some(at)
    }

    /// True while a customer of the bank may do something: after they have joined, and before they are suspended or erased.
    pub fn is_active(&self, person: &Person, day: u32) -> bool {
        let is_gone = match person.fate {
            Fate::Suspended => self.is_past(day, SUSPENDED),
            Fate::Erased => self.is_past(day, ERASED),
            Fate::Usual | Fate::Limited | Fate::FrozenAWhile | Fate::Frozen | Fate::ClosesSecond => false,
        };
        self.is_past(day, person.joins) && !is_gone
    }

    /// True while the first wallet of a customer is frozen.
    pub fn is_frozen(&self, person: &Person, day: u32) -> bool {
        match person.fate {
            Fate::FrozenAWhile => self.is_past(day, FROZEN_AWHILE) && !self.is_past(day, UNFROZEN),
            Fate::Frozen => self.is_past(day, FROZEN),
            Fate::Usual | Fate::Limited | Fate::ClosesSecond | Fate::Suspended | Fate::Erased => false,
        }
    }

    /// Who joins the bank on a day, besides its founders.
    pub fn joining(&self, day: u32) -> Vec<usize> {
        let is_new = |(index, person): &(usize, &Person)| *index >= FOUNDERS && self.is(day, person.joins);
        PEOPLE
            .iter()
            .enumerate()
            .filter(is_new)
            .map(|(index, _)| index)
            .collect()
    }
}

#[cfg(test)]
pub mod tests {
    use super::super::people::person_who;
    use super::*;

    /// Noon of a Wednesday, 2026-01-07.
    pub fn noon() -> Timestamp {
        Timestamp::from_timestamp(1_767_787_200, 0).expect("this is a time")
    }

    #[test]
    fn a_history_ends_today_with_what_is_over() {
        let calendar = Calendar::new(noon(), 45);
        assert_eq!(calendar.date(45).to_string(), "2026-01-07");
        assert_eq!(calendar.date(0).to_string(), "2025-11-23");
        assert!(calendar.is_weekend(0) && !calendar.is_weekend(45));
        let over = |day| {
            MOMENTS
                .iter()
                .filter(move |moment| calendar.past_moment(day, moment).is_some())
        };
        assert_eq!((over(44).count(), over(45).count(), over(46).count()), (12, 4, 0));
    }

    #[test]
    fn moments_follow_each_other() {
        for pair in MOMENTS.windows(2) {
            assert!(TimeDelta::hours((pair[1].hour - pair[0].hour).into()) >= MOMENT);
        }
        assert!(TimeDelta::hours(MOMENTS[11].hour.into()) + MOMENT < TimeDelta::days(1));
    }

    #[test]
    fn everyone_joins_once_whatever_the_length() {
        for days in [1, 10, 45, 365] {
            let calendar = Calendar::new(noon(), days);
            let mut joined: Vec<usize> = (0..days).flat_map(|day| calendar.joining(day)).collect();
            joined.sort_unstable();
            assert_eq!(joined, (FOUNDERS..PEOPLE.len()).collect::<Vec<_>>(), "{days} days");
        }
    }

    #[test]
    fn what_the_staff_does_follows_a_customers_joining() {
        for (fate, day) in [
            (Fate::Limited, LIMITED),
            (Fate::FrozenAWhile, FROZEN_AWHILE),
            (Fate::Frozen, FROZEN),
            (Fate::ClosesSecond, CLOSED),
            (Fate::Suspended, SUSPENDED),
            (Fate::Erased, ERASED),
        ] {
            let person = person_who(fate).expect("each fate has a customer");
            assert!(PEOPLE[person].joins < day, "{fate:?}");
        }
    }

    #[test]
    fn who_is_suspended_or_erased_does_nothing_more() {
        let calendar = Calendar::new(noon(), 45);
        for person in &PEOPLE {
            let is_gone = matches!(person.fate, Fate::Suspended | Fate::Erased);
            assert_eq!(calendar.is_active(person, 45), !is_gone, "{}", person.name);
            assert_eq!(
                calendar.is_frozen(person, 45),
                person.fate == Fate::Frozen,
                "{}",
                person.name
            );
        }
    }
}
