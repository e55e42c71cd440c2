//! What must hold for whatever comes: random values, random histories, on both databases.
