//! Bounds how many requests are somewhere at the same time: in the server, or in an ensemble.
//! Nobody waits for a place; who finds none is refused, and told to try again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of places.
#[derive(Clone, Debug)]
pub struct Places(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: usize,
    taken: AtomicUsize,
}

/// One of them; dropping it gives it back.
#[derive(Debug)]
pub struct Place(Arc<Shared>);

impl Places {
    /// So many, all of them free.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Shared { limit, taken: AtomicUsize::new(0) }))
    }

    /// How many there are.
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// Takes one, if one is free.
    pub fn take(&self) -> Option<Place> {
        let place = Place(self.0.clone());
        // Counted first, so that the place gives back what it has counted.
        let taken = self.0.taken.fetch_add(1, Ordering::Relaxed);
        (taken < self.0.limit).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_when_who_had_it_is_gone() {
        let places = Places::new(2);
        let first = places.take().unwrap();
        let second = places.take().unwrap();
        assert!(places.take().is_none() && places.take().is_none());
        assert_eq!(places.taken(), 2);
        drop(first);
        let third = places.take();
        assert!(third.is_some() && places.take().is_none());
        drop((second, third));
        assert_eq!(places.taken(), 0);
    }
}
