//! The caller's stream as ONNX Runtime sees it, and its events.

use std::ffi::c_void;
use std::ptr::without_provenance_mut;

use ort::sys::{OrtStatusPtr, OrtSyncStream};

use crate::abi::{OrtSyncNotificationImpl, OrtSyncStreamImpl, VERSION};
use crate::api::{ort, status};
use crate::control::{self, Count};
use crate::cuda::{Device, Event, Stream};

#[repr(C)]
pub(crate) struct SessionStream {
    table: OrtSyncStreamImpl,
    device: Device,
    stream: Stream,
}

#[repr(C)]
struct Notification {
    table: OrtSyncNotificationImpl,
    event: Event,
    stream: Stream,
}

impl SessionStream {
    pub(crate) fn create(device: Device, stream: Stream) -> *mut OrtSyncStreamImpl {
        let table = OrtSyncStreamImpl {
            ort_version_supported: VERSION,
            Release: release,
            GetHandle: handle,
            CreateNotification: create_notification,
            Flush: flush,
            OnSessionRunEnd: run_ended,
        };
        Box::into_raw(Box::new(Self { table, device, stream })).cast()
    }
}

/// The stream behind ONNX Runtime's.
pub(crate) fn raw(stream: *mut OrtSyncStream) -> Stream {
    unsafe { (ort().SyncStream_GetHandle)(stream) }.addr()
}

fn of<'a>(this: *mut OrtSyncStreamImpl) -> &'a SessionStream {
    unsafe { &*this.cast::<SessionStream>() }
}

fn notification<'a>(this: *mut OrtSyncNotificationImpl) -> &'a Notification {
    unsafe { &*this.cast::<Notification>() }
}

unsafe extern "C" fn release(this: *mut OrtSyncStreamImpl) {
    drop(unsafe { Box::from_raw(this.cast::<SessionStream>()) });
}

unsafe extern "C" fn handle(this: *mut OrtSyncStreamImpl) -> *mut c_void {
    without_provenance_mut(of(this).stream)
}

unsafe extern "C" fn create_notification(
    this: *mut OrtSyncStreamImpl,
    created: *mut *mut OrtSyncNotificationImpl,
) -> OrtStatusPtr {
    status("CreateNotification", || {
        let SessionStream { device, stream, .. } = *of(this);
        let table = OrtSyncNotificationImpl {
            ort_version_supported: VERSION,
            Release: release_notification,
            Activate: activate,
            WaitOnDevice: wait_on_device,
            WaitOnHost: wait_on_host,
        };
        let made = Notification { table, event: Event::new(device)?, stream };
        unsafe { *created = Box::into_raw(Box::new(made)).cast() };
        Ok(())
    })
}

unsafe extern "C" fn flush(this: *mut OrtSyncStreamImpl) -> OrtStatusPtr {
    status("Flush", || {
        control::add(Count::Waits, 1);
        of(this).device.wait(of(this).stream)
    })
}

unsafe extern "C" fn run_ended(_: *mut OrtSyncStreamImpl) -> OrtStatusPtr {
    OrtStatusPtr::default()
}

unsafe extern "C" fn release_notification(this: *mut OrtSyncNotificationImpl) {
    drop(unsafe { Box::from_raw(this.cast::<Notification>()) });
}

unsafe extern "C" fn activate(this: *mut OrtSyncNotificationImpl) -> OrtStatusPtr {
    status("Activate", || notification(this).event.record(notification(this).stream))
}

unsafe extern "C" fn wait_on_device(
    this: *mut OrtSyncNotificationImpl,
    consumer: *mut OrtSyncStream,
) -> OrtStatusPtr {
    status("WaitOnDevice", || {
        let event = &notification(this).event;
        // Without a stream, the consumer is the host.
        if consumer.is_null() { event.wait() } else { event.hold(raw(consumer)) }
    })
}

unsafe extern "C" fn wait_on_host(this: *mut OrtSyncNotificationImpl) -> OrtStatusPtr {
    status("WaitOnHost", || notification(this).event.wait())
}
