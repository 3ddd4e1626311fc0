//! An event contains the location of its address, as far as the address databases know it.

use std::net::IpAddr;

use serde_json::{Value, json};
use support::mmdb;
use support::nuncio::Nuncio;

fn city(name: &str, country: &str, lat: f64, long: f64) -> Value {
    json!({
        "city": { "names": { "en": name } }, "continent": { "code": "EU" }, "country": { "iso_code": country },
        "location": { "latitude": lat, "longitude": long }
    })
}

fn network(text: &str) -> (IpAddr, u8) {
    let (address, prefix) = text.split_once('/').unwrap();
    (address.parse().unwrap(), prefix.parse().unwrap())
}

fn write(nuncio: &Nuncio, name: &str, networks: &[(&str, Value)]) {
    let networks = networks.iter().map(|(text, record)| (network(text).0, network(text).1, record.clone()));
    mmdb::write(&nuncio.file(name), &networks.collect::<Vec<_>>());
}

/// The context that an event from this address gets.
async fn context(nuncio: &Nuncio, address: &str) -> Value {
    let pk = nuncio.accept(&json!({ "action": "login", "client_ip": address })).await.remove(0);
    nuncio.get(&format!("/v1/events/{pk}")).await["context"].clone()
}

async fn with_databases() -> Nuncio {
    let mut nuncio = Nuncio::not_started("rules: {}\n");
    for (variable, name) in [("NUNCIO_GEOIP", "geoip.mmdb"), ("NUNCIO_ASN", "asn.mmdb")] {
        let file = nuncio.file(name);
        nuncio.set(variable, file.to_str().unwrap());
    }
    let places = [
        ("192.0.2.0/24", city("Uppsala", "SE", 59.86, 17.64)),
        ("198.51.100.0/25", json!({ "country": { "iso_code": "FR" } })),
        ("2001:db8::/32", city("Kraków", "PL", 50.06, 19.94)),
    ];
    write(&nuncio, "geoip.mmdb", &places);
    let systems = [
        ("192.0.2.0/25", json!({ "autonomous_system_number": 64500, "autonomous_system_organization": "Example Net" })),
        ("2001:db8::/48", json!({ "autonomous_system_number": 64501 })),
    ];
    write(&nuncio, "asn.mmdb", &systems);
    nuncio.start().await;
    nuncio
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_databases_know_is_added_and_nothing_else() {
    let nuncio = with_databases().await;
    let uppsala = json!({ "continent": "EU", "country": "SE", "lat": 59.86, "long": 17.64, "city": "Uppsala" });
    let asn = json!({ "asn": 64500, "as_org": "Example Net", "network": "192.0.2.0/25" });
    assert_eq!(context(&nuncio, "192.0.2.7").await, json!({ "geo": uppsala, "asn": asn }));
    assert_eq!(context(&nuncio, "::ffff:192.0.2.200").await, json!({ "geo": uppsala }));
    let france = json!({ "continent": "", "country": "FR", "city": "" });
    assert_eq!(context(&nuncio, "198.51.100.1").await, json!({ "geo": france }));
    let known = context(&nuncio, "2001:db8::1").await;
    assert_eq!((&known["geo"]["city"], &known["asn"]["network"]), (&json!("Kraków"), &json!("2001:db8::/48")));
    assert_eq!(known["asn"]["as_org"], Value::Null);
    assert_eq!(context(&nuncio, "203.0.113.1").await, json!({}));

    // The caller knows best.
    let event = json!({ "action": "login", "client_ip": "192.0.2.7", "context": { "geo": { "city": "here" } } });
    let pk = nuncio.accept(&event).await.remove(0);
    let kept = nuncio.get(&format!("/v1/events/{pk}")).await;
    assert_eq!(kept["context"], json!({ "geo": { "city": "here" }, "asn": asn }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_database_is_read_again_and_a_broken_one_is_not() {
    let nuncio = with_databases().await;
    let city_is = async |wanted: Value| {
        while context(&nuncio, "192.0.2.7").await["geo"]["city"] != wanted {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    let named = json!({
        "action": "login", "client_ip": "192.0.2.7", "id": "7", "source": "shop", "created": "2026-01-02T03:04:05Z"
    });
    let first = nuncio.accept(&named).await;
    write(&nuncio, "geoip.mmdb", &[("192.0.2.0/24", city("Lund", "SE", 55.7, 13.19))]);
    city_is(json!("Lund")).await;
    // The location of an address is not part of an event's name.
    assert_eq!(nuncio.accept(&named).await, first);

    std::fs::write(nuncio.file("geoip.mmdb"), "this is no database").unwrap();
    while !nuncio.log().contains("the file is not an address database") {
        assert_eq!(context(&nuncio, "192.0.2.7").await["geo"]["city"], "Lund");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(context(&nuncio, "192.0.2.7").await["geo"]["city"], "Lund");

    std::fs::remove_file(nuncio.file("geoip.mmdb")).unwrap();
    city_is(Value::Null).await;
}
