//! From a directory to validated models.
