//! The place of a value in a body, such as `transfers[2].amount`.

use std::fmt;

use serde_path_to_error as traced;

/// One step into a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathStep {
    Member(String),
    Item(usize),
}

/// The steps from a body to a value in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldPath(Vec<PathStep>);

impl FieldPath {
    /// The path of a member of this object.
    pub fn member(&self, name: &str) -> Self {
        self.with(PathStep::Member(name.to_owned()))
    }

    /// The path of an item of this array.
    pub fn item(&self, index: usize) -> Self {
        self.with(PathStep::Item(index))
    }

    /// The path of a member that an error names; the error's own path may lead there already.
    pub fn of_named(self, name: &str) -> Self {
        match self.0.last() {
            Some(PathStep::Member(last)) if last == name => self,
            _ => self.member(name),
        }
    }

    /// The path of an error in a trial body, in which only the value at this path is the caller's. The steps to that
    /// value are taken from this path, since its index may differ in the trial body. An error above the value keeps the
    /// shorter path of the object that it is about.
    pub fn of_error(&self, error: &traced::Path) -> Self {
        let steps = error.iter().filter_map(|step| match step {
            traced::Segment::Map { key } => Some(PathStep::Member(key.clone())),
            traced::Segment::Seq { index } => Some(PathStep::Item(*index)),
            traced::Segment::Enum { .. } | traced::Segment::Unknown => None,
        });
        let own = self.0.iter().cloned().map(Some).chain(std::iter::repeat(None));
        Self(steps.zip(own).map(|(step, own)| own.unwrap_or(step)).collect())
    }

    /// From the body itself down to the value.
    pub fn steps(&self) -> &[PathStep] {
        &self.0
    }

    fn with(&self, step: PathStep) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Member(name) if index == 0 => f.write_str(name)?,
                PathStep::Member(name) => write!(f, ".{name}")?,
                PathStep::Item(item) => write!(f, "[{item}]")?,
            }
        }
        Ok(())
    }
}
