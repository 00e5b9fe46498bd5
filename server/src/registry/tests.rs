use std::sync::Mutex;
use std::time::Duration;

use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;
use nereid_backend::parts::Parameter;
use nereid_kernels::reaper::Reaper;
use nereid_proto::infer::Input;

use super::*;
use crate::admission::Ask;
use crate::fakes;
use crate::inference;
use crate::instance::start_instance;
use crate::queue::Queue;

fn served(queue: &Arc<Queue>) -> Status {
    let route = queue.clone();
    let definition = fakes::definition("m");
    Status::Ready(Arc::new(Served { definition, route, statistics: Arc::default(), model: None }))
}

fn target(version: Option<u64>) -> Target {
    Target { model: "m".to_owned(), version }
}

fn ask() -> Ask {
    let x = fakes::numbers(&[1, 3, 2]);
    let data = x.host_bytes().unwrap();
    let input = Input::new("x".to_owned(), x.data_type(), x.shape(), data);
    Ask { inputs: vec![input], ..Ask::default() }
}

#[test]
fn only_ready_versions_are_found() {
    let (mut registry, models) = Registry::new();
    let find = |version| {
        let snapshot = models.snapshot();
        snapshot.ready(&target(version)).map_err(|error| error.to_string()).err()
    };
    let unknown = |text: &str| Some(format!("Request for unknown model: 'm' {text}"));
    assert_eq!(find(None), unknown("is not found"));
    registry.set("m", 2, Status::Loading);
    assert_eq!(find(None), unknown("has no available versions"));
    registry.set("m", 1, served(&fakes::plain_queue()));
    assert_eq!((find(None), find(Some(1))), (None, None));
    assert_eq!(find(Some(2)), unknown("version 2 is not found"));
}

#[tokio::test]
async fn a_reload_loses_no_request() {
    let (mut registry, models) = Registry::new();
    registry.set("m", 1, served(&fakes::plain_queue()));
    let before = models.find(&target(None)).unwrap();

    let queue = fakes::plain_queue();
    let reaper = Reaper::start(DeviceId::Cpu).unwrap();
    let thread = start_instance(queue.clone(), fakes::echo(), fakes::instance_spec(), reaper)
        .unwrap()
        .wait()
        .unwrap();
    registry.set("m", 1, served(&queue));
    let answer = inference::infer(&fakes::regions(), &target(None), before, ask()).await.unwrap();
    assert_eq!(answer.response.outputs[0].1.values::<i32>(), Some(&[0, 1, 2, 3, 4, 5][..]));

    let before = models.find(&target(None)).unwrap();
    registry.set("m", 1, Status::Unloading);
    let error = inference::infer(&fakes::regions(), &target(None), before, ask()).await.err();
    assert!(matches!(error, Some(InferError::Closed(_))));
    thread.join().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_kept_even_if_no_instance_is_alive() {
    let (mut registry, models) = Registry::new();
    registry.set("m", 1, served(&fakes::plain_queue()));
    let found = models.find(&target(None)).unwrap();
    let ask = Ask { timeout: Some(Duration::from_secs(9)), ..ask() };
    let answer = inference::infer(&fakes::regions(), &target(None), found, ask).await;
    assert!(matches!(answer, Err(InferError::Expired(_))));
}

#[tokio::test]
async fn a_priority_travels_with_its_request() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (spec, sees) = ((*fakes::definition("m").spec).clone(), seen.clone());
    let (served, thread) = fakes::serve(spec, move |batch| {
        let request = &batch.requests()[0];
        sees.lock().unwrap().push((request.priority, request.parameters.len()));
        batch.respond_rows(Ok(vec![("y".into(), fakes::numbers(&[1, 3, 2]))]));
    });
    let (mut registry, models) = Registry::new();
    registry.set("m", 1, Status::Ready(served));
    let other = Parameter::Text("1".to_owned());
    let mut errors = Vec::new();
    for value in [Parameter::Int(2), Parameter::Int(-1), other] {
        let parameters = [("priority".to_owned(), value)].into();
        let found = models.find(&target(None)).unwrap();
        let ask = Ask { parameters, ..ask() };
        let answer = inference::infer(&fakes::regions(), &target(None), found, ask).await;
        errors.extend(answer.err().map(|error| error.to_string()));
    }
    registry.set("m", 1, Status::Unloading);
    thread.join().unwrap();
    let text = "invalid value type for 'priority' parameter, expected int64_param or uint64_param.";
    assert_eq!(errors, [text]);
    assert_eq!(*seen.lock().unwrap(), [(2, 0), (0, 0)]);
}
