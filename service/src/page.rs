//! Pages of a list, newest first: where a page starts, and where the next one would.

/// Which part of a list a caller asks for.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest<K> {
    /// How many items at most.
    pub limit: u64,
    /// The key of the last item that the caller has; `None` for the newest page.
    pub after: Option<K>,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Page<T, K> {
    /// The items, newest first; at most the limit of the request.
    pub items: Vec<T>,
    /// The key to ask for the next page with; `None` on the last page.
    pub next: Option<K>,
}

impl<K> PageRequest<K> {
    /// How many rows to read: one more than the page holds, to see whether another page follows.
    #[must_use]
    pub fn fetch(&self) -> u64 {
        self.limit + 1
    }
}

impl<T, K> Page<T, K> {
    /// Makes a page of the rows that were read, which are at most `PageRequest::fetch`.
    #[must_use]
    pub fn of(mut fetched: Vec<T>, request: &PageRequest<K>, key: impl Fn(&T) -> K) -> Self {
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let more = fetched.len() > limit;
        fetched.truncate(limit);
        let next = if more { fetched.last().map(key) } else { None };
        Self { items: fetched, next }
    }

    /// The same page, with each item converted.
    #[must_use]
    pub fn map<U>(self, shape: impl FnMut(T) -> U) -> Page<U, K> {
        Page {
            items: self.items.into_iter().map(shape).collect(),
            next: self.next,
        }
    }
}

/// The most entries of an index that are looked at for one page. A page that reaches it may have less than its limit.
pub(crate) const LOOKED_AT_MAX: u64 = 10_000;
/// How many entries a look may take: those of a page of 50, of 500 or of a thousand, and one more. They are few, since
/// each makes another text of a statement.
const LOOK_COUNTS: [u64; 3] = [51, 501, LOOK_COUNT_MAX];
const LOOK_COUNT_MAX: u64 = 1_001;

/// A look at the newest part of what a page has not seen yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoundedLook<K> {
    /// Only rows below this key are looked at; `None` for all.
    pub below: Option<K>,
    /// How many rows are looked at.
    pub count: u64,
    /// How many of the rows that the list admits are wanted, at least two.
    pub wanted: u64,
}

/// Fills a page by looks at a range in which there may be rows that the list does not admit. The first look is short,
/// since it fills most pages; all looks of a page together are bounded.
pub(crate) struct PageLooks<T, K> {
    limit: u64,
    key: fn(&T) -> K,
    found: Vec<T>,
    /// How many more rows may be looked at.
    left: u64,
    /// Everything down to this key was seen; at first, the key after which the page begins.
    reached: Option<K>,
    has_looked: bool,
}

impl<T, K: Copy> PageLooks<T, K> {
    pub(crate) fn new(request: &PageRequest<K>, key: fn(&T) -> K) -> Self {
        Self {
            limit: request.limit.min(LOOK_COUNT_MAX - 1),
            key,
            found: Vec::new(),
            left: LOOKED_AT_MAX,
            reached: request.after,
            has_looked: false,
        }
    }

    /// The next look; `None` once the page is full, everything was seen, or enough was looked at.
    pub(crate) fn next_look(&mut self) -> Option<BoundedLook<K>> {
        let wanted = self.wanted();
        let is_full = wanted < 2;
        let is_over = self.has_looked && self.reached.is_none();
        // What did not fill the page at first is rare, so the other looks are as long as they may be.
        let enough = |count: &u64| !self.has_looked && *count >= wanted;
        let count = LOOK_COUNTS.into_iter().find(enough).unwrap_or(LOOK_COUNT_MAX);
        if is_full || is_over || count > self.left {
            return None;
        }
        self.left -= count;
        Some(BoundedLook {
            below: self.reached,
            count,
            wanted,
        })
    }

    /// Takes what the last look gave, newest first: the rows that the list admits, at most as many as were wanted,
    /// among them the last row that was looked at. `last` is the key of that row if the look was as long as it might
    /// be.
    pub(crate) fn add(&mut self, rows: Vec<T>, last: Option<K>, admits: impl Fn(&T) -> bool) {
        let is_cut = rows.len() as u64 == self.wanted();
        self.has_looked = true;
        self.reached = if is_cut { rows.last().map(self.key) } else { last };
        self.found.extend(rows.into_iter().filter(admits));
    }

    /// The page.
    pub(crate) fn into_page(mut self) -> Page<T, K> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let next = if self.found.len() > limit {
            self.found.truncate(limit);
            self.found.last().map(self.key)
        } else {
            self.reached
        };
        Page {
            items: self.found,
            next,
        }
    }

    fn wanted(&self) -> u64 {
        (self.limit + 1).saturating_sub(self.found.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of the multiples of `every` among the numbers below `numbers`, in an index of all of them.
    struct Multiples {
        numbers: u64,
        every: u64,
    }

    impl Multiples {
        /// A page, and how many numbers were looked at for it.
        fn page(&self, request: &PageRequest<u64>) -> (Page<u64, u64>, u64) {
            let mut looks = PageLooks::new(request, |number: &u64| *number);
            let mut looked_at = 0;
            while let Some(look) = looks.next_look() {
                looked_at += look.count;
                let newest = (0..look.below.unwrap_or(self.numbers)).rev();
                let looked: Vec<u64> = newest
                    .take(usize::try_from(look.count).expect("a look is short"))
                    .collect();
                let last = looked.last().copied().filter(|_| looked.len() as u64 == look.count);
                let mut rows = looked;
                rows.retain(|number| number % self.every == 0 || Some(*number) == last);
                rows.truncate(usize::try_from(look.wanted).expect("a page is short"));
                looks.add(rows, last, |number| number % self.every == 0);
            }
            (looks.into_page(), looked_at)
        }
    }

    #[test]
    fn pages_have_the_whole_list_and_bounded_looks() {
        let whole = [0, 1, 50, 51, 20_000].map(|numbers| (numbers, 1));
        let rare = [(30_000, 7), (60_000, 9_999), (25_000, 40_000)];
        for (numbers, every) in whole.into_iter().chain(rare) {
            let list = Multiples { numbers, every };
            for limit in [1, 2, 50, 500, 1_000] {
                let (mut found, mut request) = (Vec::new(), PageRequest { limit, after: None });
                loop {
                    let (page, looked_at) = list.page(&request);
                    assert!(page.items.len() as u64 <= limit && looked_at <= LOOKED_AT_MAX);
                    found.extend(page.items);
                    if page.next.is_none() {
                        break;
                    }
                    request.after = page.next;
                }
                let expected: Vec<u64> = (0..numbers).rev().filter(|number| number % every == 0).collect();
                assert_eq!(found, expected, "every {every} of {numbers} by {limit}");
            }
        }
    }

    #[test]
    fn a_page_of_a_list_that_has_all_of_its_range_takes_one_look() {
        let list = Multiples {
            numbers: 5_000,
            every: 1,
        };
        for (limit, count) in [(1, 51), (50, 51), (51, 501), (500, 501), (1_000, 1_001), (9_000, 1_001)] {
            let (_, looked_at) = list.page(&PageRequest { limit, after: None });
            assert_eq!(looked_at, count, "{limit}");
        }
    }
}
