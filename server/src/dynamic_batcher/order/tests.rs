use std::fmt::Write as _;
use std::num::NonZeroUsize;

use nereid_backend::error::InferError;
use nereid_backend::request::Response;

use super::*;

/// Requests 0 to 9 that joined an order, and a record of who was answered.
struct Joined {
    requests: Vec<Option<Request>>,
    seen: Arc<Mutex<String>>,
}

impl Joined {
    fn new() -> Self {
        let seen = Arc::<Mutex<String>>::default();
        let mut order = Order::default();
        let request = |name: usize| {
            let sees = seen.clone();
            let home = Home::Then(Box::new(move |answer, _| {
                let mark = match answer {
                    Ok(_) => "",
                    Err(InferError::Abandoned) => "!",
                    Err(_) => "?",
                };
                write!(sees.lock().unwrap(), "{name}{mark}").unwrap();
                assert_ne!(mark, "?", "an error that no test makes but to panic");
            }));
            let mut request = Request::new(Vec::new(), NonZeroUsize::MIN, home);
            order.join(&mut request);
            Some(request)
        };
        let requests = (0..10).map(request).collect();
        Self { requests, seen }
    }

    /// Answers `name` and tells who has left since the last time.
    fn answer(&mut self, name: usize, answer: Answer) -> String {
        self.requests[name].take().unwrap().respond(answer);
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

#[track_caller]
fn check(order: &[usize], expected: &[&str]) {
    let mut joined = Joined::new();
    let left: Vec<_> =
        order.iter().map(|&name| joined.answer(name, Ok(Response::default()))).collect();
    assert_eq!(left, expected, "{order:?}");
}

#[test]
fn nobody_leaves_before_those_who_joined_earlier() {
    check(&[0, 1, 2], &["0", "1", "2"]);
    check(&[2, 1, 0], &["", "", "012"]);
    check(&[1, 0, 3, 2], &["", "01", "", "23"]);
    check(&[0, 2, 1, 4, 3], &["0", "", "12", "", "34"]);
}

#[test]
fn who_is_dropped_or_fails_or_panics_holds_nobody_up() {
    let mut joined = Joined::new();
    assert_eq!(joined.answer(1, Ok(Response::default())), "");
    drop(joined.requests[0].take());
    assert_eq!(*joined.seen.lock().unwrap(), "0!1");
    joined.seen.lock().unwrap().clear();
    assert_eq!(joined.answer(3, Ok(Response::default())), "");
    let panics = Err(InferError::Unsupported(String::new()));
    assert_eq!(joined.answer(2, panics), "2?3");
    assert_eq!(joined.answer(4, Ok(Response::default())), "4");
}

#[test]
fn who_answers_another_on_its_way_does_not_overtake() {
    let mut order = Order::default();
    let seen = Arc::<Mutex<Vec<u32>>>::default();
    let next = Arc::<Mutex<Option<Request>>>::default();
    let mut request = |name| {
        let (sees, next) = (seen.clone(), next.clone());
        let home = Home::Then(Box::new(move |_, _| {
            let next = next.lock().unwrap().take();
            if let Some(next) = next {
                next.respond(Ok(Response::default()));
            }
            sees.lock().unwrap().push(name);
        }));
        let mut request = Request::new(Vec::new(), NonZeroUsize::MIN, home);
        order.join(&mut request);
        request
    };
    let [first, second, third] = [1, 2, 3].map(&mut request);
    *next.lock().unwrap() = Some(second);
    third.respond(Ok(Response::default()));
    first.respond(Ok(Response::default()));
    assert_eq!(*seen.lock().unwrap(), [1, 2, 3]);
}

#[test]
fn what_is_held_counts_as_in_flight() {
    let mut order = Order::default();
    let held: Hold = Some(Arc::new(()));
    let mut request = || {
        let home = Home::Then(Box::new(|_, _| {}));
        let mut request = Request::new(Vec::new(), NonZeroUsize::MIN, home);
        request.hold.clone_from(&held);
        order.join(&mut request);
        request
    };
    let (first, second) = (request(), request());
    let holders = || Arc::strong_count(held.as_ref().unwrap());
    second.respond(Ok(Response::default()));
    assert_eq!(holders(), 4); // Ours, both of the first, and that of the answer.
    first.respond(Ok(Response::default()));
    assert_eq!(holders(), 1);
}
