//! The signal that a test sends by `Sim::terminate`.

pub(crate) async fn termination() {
    let machine = super::world::world().machine_here();
    loop {
        let notified = machine.termination.notified();
        if machine.terminating.get() {
            return;
        }
        notified.await;
    }
}
