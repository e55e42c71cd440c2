//! A wrong use of the program, as a sentence: exit status 2, where a fault has 3.

use std::error::Error;
use std::fmt;

/// A setting or an argument that is wrong.
#[derive(Debug)]
pub struct WrongUse(pub String);

impl fmt::Display for WrongUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for WrongUse {}
