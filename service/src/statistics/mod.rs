//! What moved in the last 60 seconds, exact to the millisecond, in constant time and memory.
