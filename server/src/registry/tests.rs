use std::time::Duration;

use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;
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
    Status::Ready(Arc::new(Served { definition, route, statistics: Arc::default() }))
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
    let thread =
        start_instance(queue.clone(), fakes::echo(), fakes::instance_spec(), reaper).unwrap();
    registry.set("m", 1, served(&queue));
    let answer = inference::infer(&target(None), before, ask()).await.unwrap();
    assert_eq!(answer.response.outputs[0].1.values::<i32>(), Some(&[0, 1, 2, 3, 4, 5][..]));

    let before = models.find(&target(None)).unwrap();
    registry.set("m", 1, Status::Unloading);
    let error = inference::infer(&target(None), before, ask()).await.err();
    assert!(matches!(error, Some(InferError::Closed(_))));
    thread.join().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_kept_even_if_no_instance_is_alive() {
    let (mut registry, models) = Registry::new();
    registry.set("m", 1, served(&fakes::plain_queue()));
    let found = models.find(&target(None)).unwrap();
    let ask = Ask { timeout: Some(Duration::from_secs(9)), ..ask() };
    let answer = inference::infer(&target(None), found, ask).await;
    assert!(matches!(answer, Err(InferError::Expired(_))));
}
