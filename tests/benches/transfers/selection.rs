//! Which measurements run: those that `--only` names, and the baselines of their ratios.

use crate::goals::{Ratio, ratios};

/// The measurements to run.
pub struct Selection {
    /// `None`: all.
    only: Option<String>,
    ratios: Vec<Ratio>,
}

impl Selection {
    pub fn new(only: Option<String>) -> Self {
        Self { only, ratios: ratios() }
    }

    /// Whether a measurement runs: its name has the text of `--only` in it, or it is the baseline of one whose name has.
    pub fn has(&self, name: &str) -> bool {
        let is_baseline = |ratio: &Ratio| ratio.under.as_deref() == Some(name) && self.names(&ratio.over);
        self.names(name) || self.ratios.iter().any(is_baseline)
    }

    /// Whether a measurement runs whose name begins so. Knows only those of ratios with a goal.
    pub fn has_any_of(&self, group: &str) -> bool {
        let names = self
            .ratios
            .iter()
            .flat_map(|ratio| [Some(&ratio.over), ratio.under.as_ref()]);
        names.flatten().any(|name| name.starts_with(group) && self.has(name))
    }

    fn names(&self, name: &str) -> bool {
        self.only.as_deref().is_none_or(|part| name.contains(part))
    }
}
