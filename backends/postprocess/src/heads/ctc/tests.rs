use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use nereid_backend::backend::{Instance, Running};
use nereid_backend::batch::Batch;
use nereid_backend::data_type::DataType;
use nereid_backend::device::DeviceId;
use nereid_backend::observer::{Copy, CopyCounter};
use nereid_backend::parts::RequestedOutput;
use nereid_backend::request::{Answer, Home, Request, Response};
use nereid_backend::tensor::Storage;

use super::*;
use crate::instance::HeadInstance;

fn instance(folder: &str) -> HeadInstance {
    let folder = std::env::temp_dir().join(format!("nereid-ctc-{}-{folder}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("letters.txt");
    std::fs::write(&path, "blank\na\nb\n").unwrap();
    let labels = Labels::read(&path).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let names = Names { input: "x".into(), text: "t".into(), score: Some("s".into()) };
    HeadInstance { head: Arc::new(CtcHead { names, labels, blank: 0 }) }
}

fn request(input: Tensor, outputs: &[&str]) -> (Request, Receiver<Answer>) {
    let (home, answer) = channel();
    let then = Home::Then(Box::new(move |answer, _| home.send(answer).unwrap()));
    let mut request = Request::new(vec![("x".into(), input)], NonZeroUsize::MIN, then);
    let wanted = |name: &&str| RequestedOutput { name: (*name).into(), place: Some(DeviceId::Cpu) };
    request.outputs = outputs.iter().map(wanted).collect();
    (request, answer)
}

/// The answers to `inputs` in one batch, and how many bytes were copied.
fn run(folder: &str, inputs: Vec<Tensor>, outputs: &[&str]) -> (Vec<Answer>, u64) {
    let copies = Arc::new(CopyCounter::default());
    let (requests, answers): (Vec<_>, Vec<_>) =
        inputs.into_iter().map(|input| request(input, outputs)).unzip();
    let mut requests = requests.into_iter();
    let first = requests.next().unwrap();
    let mut batch = Batch::new(first, Instant::now(), copies.clone());
    requests.for_each(|request| batch.push(request));
    assert!(matches!(instance(folder).start(batch), Running::Done));
    let answers = answers.into_iter().map(|answer| answer.try_recv().unwrap()).collect();
    (answers, Copy::ALL.iter().map(|&copy| copies.get(copy)).sum())
}

/// `a`, then a blank, then `b`.
const AB: [f32; 9] = [0.0, 0.5, 0.0, 0.9, 0.0, 0.0, 0.0, 0.0, 1.0];

fn text_of(response: &Response) -> Vec<(&str, &[usize])> {
    let (_, text) = response.outputs.iter().find(|(name, _)| &**name == "t").unwrap();
    let strings = text.strings().unwrap();
    strings.map(|string| (std::str::from_utf8(string).unwrap(), text.shape())).collect()
}

#[test]
fn each_row_of_each_request_is_read() {
    let two = Tensor::from_values(vec![2, 3, 3], [AB, [0.0; 9]].concat()).unwrap();
    let one = Tensor::from_values(vec![1, 1, 3], vec![0.0, 0.25f32, 0.0]).unwrap();
    let (answers, copied) = run("rows", vec![two, one], &["s", "t"]);
    let responses: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(text_of(&responses[0]), [("ab", &[2, 1][..]), ("", &[2, 1])]);
    assert_eq!(text_of(&responses[1]), [("a", &[1, 1][..])]);
    let score = &responses[0].outputs[0].1;
    assert_eq!((score.shape(), score.values::<f32>()), (&[2, 1][..], Some(&[0.75, 0.0][..])));
    assert_eq!(copied, 0);
}

#[test]
fn a_model_may_have_no_batch_axis() {
    let input = Tensor::from_values(vec![3, 3], AB.to_vec()).unwrap();
    let (answers, _) = run("plain", vec![input], &["t"]);
    let response = answers.into_iter().next().unwrap().unwrap();
    assert_eq!((text_of(&response), response.outputs.len()), (vec![("ab", &[1][..])], 1));
}

#[test]
fn a_wrong_number_of_classes_fails_one_request() {
    let good = Tensor::from_values(vec![1, 3, 3], AB.to_vec()).unwrap();
    let bad = Tensor::from_values(vec![1, 1, 4], vec![0.0; 4]).unwrap();
    let (answers, _) = run("classes", vec![bad, good], &["t"]);
    let errors: Vec<_> =
        answers.into_iter().map(|answer| answer.err().map(|error| error.to_string())).collect();
    let text = "input 'x' has 4 classes, the label file letters.txt has 3 labels";
    assert_eq!(errors, [Some(text.to_owned()), None]);
}

#[test]
fn rows_without_bytes_are_limited() {
    for rows in [vec![1 << 40], vec![1 << 40, 1 << 40]] {
        let input = Tensor::from_values::<f32>([&rows[..], &[0, 3]].concat(), vec![]);
        let Ok(input) = input else { continue }; // Two axes of that size may be refused before.
        let (answers, _) = run(&format!("many{}", rows.len()), vec![input], &["t"]);
        let error = answers[0].as_ref().unwrap_err().to_string();
        assert!(error.ends_with("has over 65536 rows"), "{error}");
    }
    let empty = Tensor::from_values::<f32>(vec![2, 0, 3], vec![]).unwrap();
    let (answers, _) = run("steps", vec![empty], &["t"]);
    assert_eq!(text_of(answers[0].as_ref().unwrap()), [("", &[2, 1][..]); 2]);
}

#[test]
fn misaligned_numbers_are_copied_once_and_counted() {
    // Whichever of the two the allocator aligned, the other one is not.
    for start in [0, 1] {
        let mut moved = vec![0u8; start];
        moved.extend(AB.iter().flat_map(|number| number.to_le_bytes()));
        let whole = bytes::Bytes::from(moved).slice(start..);
        let is_aligned = whole.as_ptr().addr().is_multiple_of(4);
        let input = Tensor::new(DataType::Fp32, vec![1, 3, 3], Storage::Host(whole)).unwrap();
        let (answers, copied) = run(&format!("align{start}"), vec![input], &["t"]);
        assert_eq!(text_of(answers[0].as_ref().unwrap()), [("ab", &[1, 1][..])]);
        assert_eq!(copied, if is_aligned { 0 } else { 36 });
    }
}
