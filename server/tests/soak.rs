//! The whole way from the registry to the answer, without the wire, at random and as fast as it goes:
//! every request is answered once, with its own rows, in order where that is promised, and counted as
//! what it was told; whatever is loaded, unloaded, cancelled, late, failing or panicking beside it.
//!
//! `SEED` and `SOAK_SECONDS` in the environment choose the run; the seed is printed. It fixes what each
//! caller asks, in which order. How callers meet is up to the machine.
#![expect(clippy::unwrap_used, reason = "all of this is a test")]

#[path = "soak/caller.rs"]
mod caller;
#[path = "soak/toy.rs"]
mod toy;

use std::collections::{BTreeMap, HashMap};
use std::env;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nereid::edge::Edge;
use nereid::lifecycle::{self, Control, Engines, Overrides};
use nereid::registry::{Models, Registry, Served};
use nereid::statistics::{Reason, Statistics};
use nereid_kernels::device::{Absence, Devices};
use nereid_model_repository::completion::Completion;
use nereid_model_repository::read::Reader;
use nereid_softcuda_harness::Random;

use caller::{Caller, Outcome, Tally};
use toy::Toy;

const CALLERS: u64 = 6;
const PRIORITIES: &str = "priority_levels: 3 default_priority_level: 2 default_queue_policy {
    max_queue_size: 8 default_timeout_microseconds: 5000 allow_timeout_override: true }";
const ORDER: &str = "preserve_ordering: true";
/// Model and scheduling. The last is the one that is unloaded, too, and whose runs panic.
const MODELS: [(&str, &str); 4] =
    [("urgent", PRIORITIES), ("ordered", ORDER), ("reloaded", PRIORITIES), (CHANGING, ORDER)];
const LOADS_MAX: usize = 2;
const CHANGING: &str = "changing";

/// What all threads share.
struct World {
    models: Models,
    /// Every version that was ever published, by its address.
    versions: Mutex<HashMap<usize, Arc<Served>>>,
    /// Place of the last request for `ordered` that was queued, and the places in the order of answers.
    queued: Mutex<u64>,
    answered: Mutex<Vec<u64>>,
}

impl World {
    fn note_versions(&self) {
        let snapshot = self.models.snapshot();
        let mut versions = self.versions.lock().unwrap();
        for served in snapshot.served() {
            versions.insert(Arc::as_ptr(served).addr(), served.clone());
        }
    }
}

#[test]
fn soak() {
    let seconds = env::var("SOAK_SECONDS").map_or(3.0, |text| text.parse().unwrap());
    let seed = env::var("SEED").map_or_else(|_| now_ns(), |text| text.parse().unwrap());
    println!("SEED={seed} SOAK_SECONDS={seconds}");
    let folder = env::temp_dir().join(format!("nereid-soak-{}", std::process::id()));
    write_repository(&folder);
    let (registry, models) = Registry::new();
    let engines = Engines {
        reader: Reader { backends: vec![Arc::new(Toy)], completion: Completion::FromFiles },
        edge: Edge::new(Devices::absent(Absence::NoLibrary)).unwrap(),
        statistics: Statistics::default,
        retries: 0,
    };
    let control = lifecycle::start(engines, vec![folder.clone()], LOADS_MAX, registry).unwrap();
    let world = Arc::new(World {
        models,
        versions: Mutex::default(),
        queued: Mutex::default(),
        answered: Mutex::default(),
    });
    for (model, _) in MODELS {
        load(&control, model).unwrap();
    }
    world.note_versions();
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    let callers: Vec<_> = (1..=CALLERS)
        .map(|number| {
            let caller = Caller::new(number, seed, world.clone());
            thread::spawn(move || caller.run(until))
        })
        .collect();
    operate(&control, &world, seed, until);
    let tallies: Vec<Tally> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
    world.note_versions();
    for (model, _) in MODELS {
        check_statistics(&world, model, &tallies);
    }
    let answered = world.answered.lock().unwrap();
    assert!(answered.is_sorted(), "not in the order of the queue");
    assert!(!answered.is_empty());
    block_on(control.stop());
    fs::remove_dir_all(&folder).unwrap();
}

/// Loads, unloads and reloads until the time is up.
fn operate(control: &Control, world: &World, seed: u64, until: Instant) {
    let mut random = Random::new(seed);
    while Instant::now() < until {
        match random.below(4) {
            0 => control.unload(CHANGING, false),
            1 | 2 => load(control, CHANGING).unwrap(),
            _ => load(control, "reloaded").unwrap(),
        }
        // Before the next command can replace what this one has published.
        world.note_versions();
        thread::sleep(Duration::from_micros(random.below(5000)));
    }
}

/// All versions of a model together have counted what the callers were told.
fn check_statistics(world: &World, model: &str, tallies: &[Tally]) {
    let mut told: BTreeMap<Outcome, u64> = BTreeMap::new();
    for ((_, outcome), count) in tallies.iter().flatten().filter(|((name, _), _)| *name == model) {
        *told.entry(*outcome).or_default() += count;
    }
    println!("{model}: {told:?}");
    let mut counted = BTreeMap::new();
    for served in world.versions.lock().unwrap().values() {
        if *served.definition.spec.name != *model {
            continue;
        }
        assert_eq!(served.route.waiting(), 0);
        let snapshot = served.statistics.snapshot();
        *counted.entry(Outcome::Answered).or_default() += snapshot.success.count;
        for (reason, count) in Reason::ALL.into_iter().zip(snapshot.failures) {
            *counted.entry(Outcome::Failed(reason.label())).or_default() += count;
        }
    }
    counted.retain(|_, count| *count > 0);
    told.remove(&Outcome::NotThere);
    assert_eq!(told, counted, "{model}: what callers were told, and what was counted");
    assert!(told[&Outcome::Answered] > 0);
}

fn write_repository(folder: &Path) {
    for (model, scheduling) in MODELS {
        fs::create_dir_all(folder.join(model).join("1")).unwrap();
        let config = format!(
            "backend: \"toy\" max_batch_size: 4 instance_group {{ kind: KIND_CPU count: 4 }}
            dynamic_batching {{ max_queue_delay_microseconds: 200 {scheduling} }}"
        );
        fs::write(folder.join(model).join("config.pbtxt"), config).unwrap();
    }
}

fn load(control: &Control, model: &str) -> Result<(), lifecycle::ControlError> {
    block_on(control.load(model, Overrides::default()))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::from(since.subsec_nanos())
}
