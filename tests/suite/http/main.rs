//! The bank's HTTP edge and the program itself, from outside.
