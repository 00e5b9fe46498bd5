//! Virtual tables: a method that has no behaviour here ends the process with its name.

use crate::tables::{CONTEXT, Class, DESTRUCTORS, ENGINE, RUNTIME};

/// A method's address.
pub(crate) type Slot = *const ();

const CLASSES: [&Class; 3] = [&RUNTIME, &ENGINE, &CONTEXT];

/// More than any class has.
const METHODS_MAX: usize = 64;

/// The table of a class (an index of `CLASSES`) of this major, with these methods.
pub(crate) fn class_table<const CLASS: usize>(
    major: i32,
    methods: &[(&str, Slot)],
) -> &'static [Slot] {
    let mut slots = missing_methods::<CLASS>();
    for (name, method) in methods {
        if let Some(slot) = CLASSES[CLASS].slot(major, name) {
            slots[slot] = *method;
        }
    }
    table(&slots)
}

/// Tables are as old as the library.
pub(crate) fn table(slots: &[Slot]) -> &'static [Slot] {
    Box::leak(slots.into())
}

extern "C" fn missing<const CLASS: usize, const SLOT: usize>() -> ! {
    let class = CLASSES[CLASS];
    let name = |major: usize| {
        let method =
            SLOT.checked_sub(DESTRUCTORS).and_then(|index| class.methods[major].get(index));
        method.copied().unwrap_or("no method")
    };
    eprintln!(
        "softnvinfer: slot {SLOT} of {} was called: {} (10.x), {} (11.x)",
        class.name,
        name(0),
        name(1)
    );
    std::process::abort()
}

macro_rules! missing_slots {
    ($class:ident: $($ten:literal)*) => {
        [$(
            missing_slots!(@ $class, $ten, 0), missing_slots!(@ $class, $ten, 1),
            missing_slots!(@ $class, $ten, 2), missing_slots!(@ $class, $ten, 3),
            missing_slots!(@ $class, $ten, 4), missing_slots!(@ $class, $ten, 5),
            missing_slots!(@ $class, $ten, 6), missing_slots!(@ $class, $ten, 7),
        )*]
    };
    (@ $class:ident, $ten:literal, $one:literal) => { missing::<$class, { 8 * $ten + $one }> as Slot };
}

fn missing_methods<const CLASS: usize>() -> [Slot; METHODS_MAX] {
    missing_slots!(CLASS: 0 1 2 3 4 5 6 7)
}
