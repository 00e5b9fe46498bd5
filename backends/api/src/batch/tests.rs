use std::num::NonZeroUsize;
use std::sync::Mutex;

use tokio::sync::oneshot;

use super::*;
use crate::device::DeviceId;
use crate::parts::RequestedOutput;
use crate::request::Home;

/// Notes what it is told.
#[derive(Default)]
struct Notes {
    told: Mutex<Vec<String>>,
    copies: CopyCounter,
}

impl Observer for Notes {
    fn answered(&self, rows: usize, times: &Times, error: Option<&InferError>) {
        let is_timed = times.outputs_ready.is_some();
        let error = error.map(ToString::to_string).unwrap_or_default();
        self.told.lock().unwrap().push(format!("answered {rows} {is_timed} {error}"));
    }

    fn executed(&self, rows: usize, _: &Times) {
        self.told.lock().unwrap().push(format!("executed {rows}"));
    }

    fn copies(&self) -> &CopyCounter {
        &self.copies
    }
}

fn request(input: Tensor, observer: &Arc<Notes>) -> (Request, oneshot::Receiver<Answer>) {
    let (home, client) = oneshot::channel();
    let rows = NonZeroUsize::new(input.shape()[0]).unwrap();
    let mut request = Request::new(vec![("x".into(), input)], rows, Home::Once(home));
    request.outputs = vec![RequestedOutput { name: "y".into(), place: Some(DeviceId::Cpu) }];
    request.observe(observer.clone());
    (request, client)
}

fn batch(inputs: Vec<Tensor>) -> (Batch, Vec<oneshot::Receiver<Answer>>, Arc<Notes>) {
    let notes = Arc::new(Notes::default());
    let (mut requests, mut clients) = (Vec::new(), Vec::new());
    for input in inputs {
        let (request, client) = request(input, &notes);
        requests.push(request);
        clients.push(client);
    }
    let mut requests = requests.into_iter();
    let first = requests.next().unwrap();
    let mut batch = Batch::new(first, Instant::now(), notes.clone());
    requests.for_each(|request| batch.push(request));
    (batch, clients, notes)
}

fn numbers(rows: usize, from: i32) -> Tensor {
    let last = from + i32::try_from(rows).unwrap() * 2;
    Tensor::from_values(vec![rows, 2], (from..last).collect()).unwrap()
}

#[test]
fn one_request_is_taken_as_it_came() {
    let (batch, _clients, notes) = batch(vec![numbers(2, 0)]);
    let x = batch.gather("x").unwrap().unwrap();
    let original = batch.requests()[0].input("x").unwrap().host().unwrap().as_ptr();
    assert_eq!((x.shape(), x.host().unwrap().as_ptr()), (&[2, 2][..], original));
    assert!(batch.gather("z").unwrap().is_none());
    assert_eq!(notes.copies.get(Copy::Gather), 0);
}

#[test]
fn several_are_copied_once_and_counted() {
    let (batch, _clients, notes) = batch(vec![numbers(2, 0), numbers(1, 4)]);
    let x = batch.gather("x").unwrap().unwrap();
    assert_eq!((x.shape(), x.values::<i32>()), (&[3, 2][..], Some(&[0, 1, 2, 3, 4, 5][..])));
    assert_eq!(notes.copies.get(Copy::Gather), 24);
}

#[test]
fn rows_side_by_side_are_not_copied() {
    let whole = numbers(4, 0);
    let parts = [0..1, 1..3, 3..4].map(|rows| whole.rows(rows).unwrap());
    let (batch, _clients, notes) = batch(parts.to_vec());
    let x = batch.gather("x").unwrap().unwrap();
    assert_eq!((x.shape(), x.values::<i32>()), (whole.shape(), whole.values::<i32>()));
    assert_eq!(notes.copies.get(Copy::Gather), 0);

    let (swapped, _clients, notes) = self::batch(vec![parts[1].clone(), parts[0].clone()]);
    let x = swapped.gather("x").unwrap().unwrap();
    assert_eq!(x.values::<i32>(), Some(&[2, 3, 4, 5, 0, 1][..]));
    assert_eq!(notes.copies.get(Copy::Gather), 24);
}

#[test]
fn rows_that_are_not_alike_are_no_tensor() {
    let copies = CopyCounter::default();
    let wide = Tensor::from_values(vec![1, 4], vec![0; 4]).unwrap();
    let other = Tensor::from_values(vec![1, 2], vec![0.5f32; 2]).unwrap();
    let scalar = Tensor::from_values(vec![], vec![0]).unwrap();
    for odd in [wide, other, scalar] {
        let whole = gather_rows(&numbers(2, 0), &[&odd], &copies);
        assert_eq!(whole.unwrap_err(), TensorError::Rows, "{odd:?}");
    }
    assert_eq!(copies.get(Copy::Gather), 0);
}

#[test]
fn strings_gather_too() {
    let [one, two] = [&["a", ""][..], &["bc"]]
        .map(|strings| Tensor::from_strings(vec![strings.len()], strings).unwrap());
    let (batch, _clients, _notes) = batch(vec![one, two]);
    let x = batch.gather("x").unwrap().unwrap();
    let strings: Vec<_> = x.strings().unwrap().collect();
    assert_eq!((x.shape(), strings), (&[3][..], vec![&b"a"[..], b"", b"bc"]));
}

#[test]
fn each_gets_its_rows_after_it_was_counted() {
    let (batch, clients, notes) = batch(vec![numbers(2, 0), numbers(1, 4)]);
    batch.respond_rows(Ok(vec![("y".into(), numbers(3, 10))]));
    let answers = clients.into_iter().map(|mut client| client.try_recv().unwrap().unwrap());
    let values: Vec<_> =
        answers.map(|response| response.outputs[0].1.values::<i32>().unwrap().to_vec()).collect();
    assert_eq!(values, [vec![10, 11, 12, 13], vec![14, 15]]);
    let told = notes.told.lock().unwrap().clone();
    assert_eq!(told, ["executed 3", "answered 2 true ", "answered 1 true "]);
}

#[test]
fn a_missing_output_fails_whom_it_concerns() {
    let (batch, clients, _notes) = batch(vec![numbers(2, 0), numbers(1, 4)]);
    batch.respond_rows(Ok(vec![("y".into(), numbers(2, 10))]));
    let errors = clients.into_iter().map(|mut client| client.try_recv().unwrap().err());
    let texts: Vec<_> = errors.map(|error| error.map(|error| error.to_string())).collect();
    let missing = "the engine made no output 'y' for this request";
    assert_eq!(texts, [None, Some(missing.to_owned())]);
}
