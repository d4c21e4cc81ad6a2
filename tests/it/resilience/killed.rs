//! `kill -9` of the service.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use vestibule::db::cluster::Cluster;
use vestibule::kernel::Token;

use super::client::Client;
use super::service::Service;
use super::sql::count;
use crate::support::{eventually, within};

/// Some dozens of letters, each written to the disk for good, on a machine that is busy with other tests.
const TO_SEND: Duration = Duration::from_mins(1);

const HALF_MADE: &str = "SELECT count(*) AS n FROM users u
    WHERE NOT EXISTS (SELECT FROM email_verifications v WHERE v.user_id = u.id)
       OR NOT EXISTS (SELECT FROM mail_outbox m WHERE m.user_id = u.id)
       OR NOT EXISTS (SELECT FROM audit_events a WHERE a.subject_id = u.id AND a.kind = 'user.created')";

/// Signs up new people on four lines at once until the service is gone. Returns everybody it tried, and those who
/// were told that it worked.
fn sign_up_until_killed(service: &mut Service, round: usize) -> (Vec<Client>, Vec<Client>) {
    let (port, next) = (service.port(), Arc::new(AtomicUsize::new(0)));
    let stop = Arc::new(AtomicBool::new(false));
    let (tried, told) = (Arc::new(Mutex::<Vec<Client>>::default()), Arc::new(Mutex::<Vec<Client>>::default()));
    let lines: Vec<_> = (0..4)
        .map(|_| {
            let (next, stop, tried, told) = (next.clone(), stop.clone(), Arc::clone(&tried), Arc::clone(&told));
            thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    let client = Client::new(port, &format!("r{round}-p{n}@example.com"));
                    tried.lock().unwrap().push(client.clone());
                    match client.sign_up() {
                        Ok(answer) if answer.status == 202 => told.lock().unwrap().push(client),
                        // The machine may be busy; that is an answer too.
                        Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
                        Err(_) => {}
                    }
                }
            })
        })
        .collect();
    eventually("the first to be told", || (!told.lock().unwrap().is_empty()).then_some(()));
    // At no particular moment.
    let chance = u64::from(Token::generate().digest().as_bytes()[0]);
    thread::sleep(Duration::from_millis(100 + chance));
    service.kill();
    stop.store(true, Ordering::SeqCst);
    for line in lines {
        line.join().unwrap();
    }
    let taken = |list: &Mutex<Vec<Client>>| std::mem::take(&mut *list.lock().unwrap());
    (taken(&tried), taken(&told))
}

fn url(data_dir: &Path) -> String {
    Cluster::url_of_running(data_dir).expect("our own folder").expect("a running cluster")
}

#[test]
fn a_service_killed_while_people_sign_up_leaves_whole_accounts_and_no_others() {
    let mut service =
        Service::start(&[("LIMITS__LOGIN_PER_NETWORK", "100000 per 15m"), ("PASSWORD__MEMORY_KIB", "64")]);
    for round in 0..2 {
        let (tried, told) = sign_up_until_killed(&mut service, round);
        service.start_again();
        let url = url(&service.data_dir());
        assert_eq!(count(&url, HALF_MADE), 0, "{} signed up", told.len());
        for client in &told {
            let is_there = format!("SELECT count(*) AS n FROM users WHERE email = '{}'", client.email);
            assert_eq!(count(&url, &is_there), 1, "{} was told that it worked", client.email);
        }
        // Whoever heard nothing tries again, and is no worse off for it.
        for mut client in tried.into_iter().rev().take(10) {
            assert_eq!(client.sign_up().unwrap().status, 202, "{}", client.email);
            assert_eq!(client.sign_in().unwrap().status, 200, "{}", client.email);
            assert_eq!(client.me().unwrap().status, 200, "{}", client.email);
        }
        let waiting = "SELECT count(*) AS n FROM mail_outbox WHERE sent_at IS NULL";
        let left = within(TO_SEND, || (count(&url, waiting) == 0).then_some(()));
        assert!(left.is_some(), "letters are left:\n{}", service.log());
    }
}
