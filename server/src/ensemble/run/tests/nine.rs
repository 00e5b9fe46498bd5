//! The graph of the platform's pipelines: a picture is prepared once, six models look at it side by
//! side, a chain of three goes on from one of them, and one step brings all together.

use std::ops::Range;
use std::sync::{Condvar, Mutex};

use super::*;

/// Where so many are to meet.
struct Meeting {
    missing: Mutex<usize>,
    arrived: Condvar,
}

impl Meeting {
    fn join(&self) {
        let mut missing = self.missing.lock().unwrap();
        *missing -= 1;
        self.arrived.notify_all();
        let wait = self.arrived.wait_timeout_while(missing, PATIENCE, |missing| *missing > 0);
        assert!(!wait.unwrap().1.timed_out(), "they never met");
    }
}

/// When each of the nine ran.
type Spans = Receiver<(&'static str, Range<Instant>)>;

const SIDES: [&str; 6] = ["s1", "s2", "s3", "s4", "s5", "s6"];
const CHAIN: [&str; 3] = ["c1", "c2", "c3"];

/// The six answer only after all of them have met; each of the nine adds a power of two.
fn nine(world: &mut World) -> Spans {
    let (told, spans) = unbounded();
    let met = Arc::new(Meeting { missing: Mutex::new(SIDES.len()), arrived: Condvar::new() });
    let names = SIDES.into_iter().map(|name| (name, true));
    let names = names.chain(CHAIN.into_iter().map(|name| (name, false)));
    for (place, (name, is_side)) in names.enumerate() {
        let (told, met) = (told.clone(), met.clone());
        world.model(name, move |batch| {
            let begun = Instant::now();
            if is_side {
                met.join();
            }
            told.send((name, begun..Instant::now())).unwrap();
            plus(1 << place)(batch);
        });
    }
    spans
}

/// Adds up `x1` to `x7`.
fn sum_of_seven(world: &mut World) {
    let names = ["x1", "x2", "x3", "x4", "x5", "x6", "x7"];
    let spec = fakes::spec("sum", names.map(any).to_vec(), vec![any("y")]);
    world.serve(spec, move |batch| {
        let inputs = names.map(|name| input(&batch, name));
        let count = inputs[0].shape()[1];
        let sum = |i: usize| inputs.iter().map(|tensor| values(tensor)[i]).sum();
        respond(batch, "y", &[1, count], (0..count).map(sum).collect());
    });
}

#[test]
fn six_of_nine_models_run_at_the_same_time_and_no_byte_is_copied_between_them() {
    let mut world = World::new();
    world.model("prepare", plus(1000));
    let spans = nine(&mut world);
    sum_of_seven(&mut world);
    world.ensemble(&[
        "prepare x=IN y=P",
        "s1 x=P y=S1",
        "s2 x=P y=S2",
        "s3 x=P y=S3",
        "s4 x=P y=S4",
        "s5 x=P y=S5",
        "s6 x=P y=S6",
        "c1 x=S6 y=C1",
        "c2 x=C1 y=C2",
        "c3 x=C2 y=C3",
        "sum x1=S1 x2=S2 x3=S3 x4=S4 x5=S5 x6=S6 x7=C3 y=OUT",
    ]);
    let answer = world.ask(&fakes::numbers(&[1, 2])).unwrap();
    // Seven paths; 1 + … + 32 of the six, and once more 32 with 64 + 128 + 256 of the chain.
    let of_zero = 7 * 1000 + 63 + 32 + 448;
    assert_eq!(values(&answer), [of_zero, of_zero + 7]);

    let spans: Vec<_> = spans.try_iter().collect();
    let span_of = |name| &spans.iter().find(|(other, _)| *other == name).unwrap().1;
    let last_begun = SIDES.map(|name| span_of(name).start).into_iter().max();
    let first_ended = SIDES.map(|name| span_of(name).end).into_iter().min();
    assert!(last_begun <= first_ended, "{spans:?}");
    let chain = ["s6", "c1", "c2", "c3"].map(span_of);
    assert!(chain.windows(2).all(|pair| pair[0].end <= pair[1].start), "{spans:?}");

    let done = world.end();
    let copied = done.0.served().map(|served| served.statistics.copies().get(Copy::Gather));
    assert_eq!(copied.collect::<Vec<_>>(), [0; 12]);
    let names = SIDES.iter().chain(&CHAIN);
    assert!(names.into_iter().all(|name| done.of(name).success.count == 1));
}
