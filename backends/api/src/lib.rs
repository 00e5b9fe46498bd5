//! The seam between Nereid's server and its engines.
