//! What more than one module of tests needs: real recordings, and sounds made up on the spot.

pub mod recordings;
