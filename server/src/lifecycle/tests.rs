use std::fs;

use crossbeam_channel::unbounded;
use nereid_backend::error::Kind;
use nereid_model_repository::completion::Completion;
use nereid_model_repository::read::Reader;

use super::*;
use crate::fakes;
use crate::registry::Target;
use crate::statistics::Statistics;

/// While a model is loaded, so many commands wait, and one more load is refused; unloads, which nobody
/// waits for, become one. What was waiting is done in its order.
#[tokio::test]
async fn commands_to_a_busy_model_wait_up_to_a_limit() {
    let root = std::env::temp_dir().join(format!("nereid-lifecycle-{}", std::process::id()));
    fs::create_dir_all(root.join("m").join("1")).unwrap();
    fs::write(root.join("m").join("config.pbtxt"), "backend: \"fake\"").unwrap();
    let ((begun, begins), (open, gate)) = (unbounded(), unbounded());
    // Each load tells that it has begun, and ends when it may.
    let load = move || {
        begun.send(()).unwrap();
        gate.recv().unwrap();
        Ok(fakes::echo())
    };
    let engines = Engines {
        reader: Reader {
            backends: vec![Arc::new(fakes::Engine(load))],
            completion: Completion::FromFiles,
        },
        edge: fakes::edge(),
        statistics: Statistics::default,
        retries: 0,
    };
    let (registry, models) = Registry::new();
    let control = start(engines, vec![root.clone()], 1, registry).unwrap();
    let load = || {
        let control = control.clone();
        tokio::spawn(async move { control.load("m", Overrides::default()).await })
    };
    let first = load();
    tokio::task::spawn_blocking({
        let begins = begins.clone();
        move || begins.recv().unwrap()
    })
    .await
    .unwrap();
    for _ in 0..3 {
        control.unload("m", false);
    }
    // Each is on its way before the next is made: the order of what waits is the order of these.
    let mut loads = Vec::new();
    for _ in 0..COMMANDS_MAX {
        let (reply, answer) = oneshot::channel();
        let wish = Wish { model: "m".to_owned(), overrides: Overrides::default(), reply };
        control.send(Event::Load(wish));
        loads.push(answer);
    }
    let refused = loads.pop().unwrap().await.unwrap().unwrap_err();
    assert_eq!(refused.kind(), Kind::Unavailable);
    assert!(refused.to_string().starts_with("failed to load 'm': 64 commands"), "{refused}");
    control.unload("m", false);
    for _ in 0..COMMANDS_MAX {
        open.send(()).unwrap();
    }
    assert!(first.await.unwrap().is_ok());
    for load in loads {
        assert!(load.await.unwrap().is_ok());
    }
    control.stop().await;
    let target = Target { model: "m".to_owned(), version: None };
    assert!(models.snapshot().ready(&target).is_err());
    assert_eq!(begins.try_iter().count(), COMMANDS_MAX - 1);
    fs::remove_dir_all(root).unwrap();
}
