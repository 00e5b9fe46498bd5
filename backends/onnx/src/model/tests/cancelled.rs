//! Runs that nobody waits for.

use nereid_backend::parts::Cancel;

use super::*;

/// Negations that take minutes.
const LONG: i64 = 1 << 27;

/// `y` is `x`, negated `n` times.
fn negations() -> Vec<u8> {
    let body = Onnx::new()
        .input("i", INT64, &[])
        .input("go", BOOL, &[])
        .input("a", FLOAT, &[-1])
        .node("Identity", &["go"], "on")
        .node("Neg", &["a"], "b")
        .output("on", BOOL, &[])
        .output("b", FLOAT, &[-1]);
    let model = Onnx::new().input("n", INT64, &[]).input("x", FLOAT, &[-1]);
    model.looping(&["n", "", "x"], "y", &body).output("y", FLOAT, &[-1]).encode()
}

fn negate(times: i64) -> (Request, Receiver<Answer>) {
    let n = Tensor::from_values(vec![], vec![times]).unwrap();
    let x = Tensor::from_values(vec![1], vec![2.0f32]).unwrap();
    request(1, &[("n", n), ("x", x)], &["y"])
}

fn batch(request: Request) -> Batch {
    Batch::new(request, Instant::now(), Arc::new(CopyCounter::default()))
}

/// What a thread has computed so far, in ticks of 10 ms: fields 14 and 15 of proc(5)'s `stat`.
fn ticks(thread: &str) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{thread}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    Some(fields.next()?.ok()? + fields.next()?.ok()?)
}

#[test]
fn a_long_run_ends_soon_after_its_client_has_gone() {
    let model = load("cancelled", &negations(), false).unwrap();
    let mut instance = spawn(&*model);
    let (request, answer) = negate(LONG);
    let cancel = request.cancel.clone();
    let (name, thread) = channel();
    std::thread::scope(|scope| {
        let instance = &mut instance;
        scope.spawn(move || {
            let link = std::fs::read_link("/proc/thread-self").unwrap();
            name.send(link.to_string_lossy().into_owned()).unwrap();
            instance.start(batch(request));
        });
        let thread = thread.recv().unwrap();
        // All else takes far less than this, so that it is in the run by then.
        while ticks(&thread).is_some_and(|ticks| ticks < 5) {
            std::thread::yield_now();
        }
        cancel.raise();
    });
    let error = answer.try_recv().unwrap().unwrap_err();
    assert!(matches!(error, InferError::Cancelled(_)), "{error}");

    // The instance is as good as new.
    let (request, answer) = negate(3);
    instance.start(batch(request));
    let y = answer.try_recv().unwrap().unwrap().outputs.remove(0).1;
    assert_eq!(y.values::<f32>(), Some(&[-2.0][..]));
}

#[test]
fn a_run_goes_on_while_anybody_waits_for_it() {
    let model = load("half-cancelled", &add().encode(), true).unwrap();
    let one = request(1, &[("a", ints(1, 0)), ("b", ints(1, 0))], &["c"]);
    let two = request(1, &[("a", ints(1, 4)), ("b", ints(1, 4))], &["c"]);
    one.0.cancel.raise();
    let (answers, _) = run_all(&mut *spawn(&*model), vec![one, two]);
    let c = &answers[1].as_ref().unwrap()[0].1;
    assert_eq!(c.values::<i32>(), Some(&[8, 10][..]));
}

#[test]
fn a_request_that_is_cancelled_before_its_run_is_not_run() {
    let model = load("never-run", &negations(), false).unwrap();
    let (mut request, answer) = negate(LONG);
    let cancel = Cancel::default();
    request.cancel = cancel.clone();
    cancel.raise();
    spawn(&*model).start(batch(request));
    assert!(matches!(answer.try_recv().unwrap(), Err(InferError::Cancelled(_))));
}
