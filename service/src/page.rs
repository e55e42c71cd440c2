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
