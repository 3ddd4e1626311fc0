//! Locations of IP addresses, from files in [MaxMind's DB format](https://maxmind.github.io/MaxMind-DB/), such as
//! `GeoLite2`.
//!
//! Owns when a file is read. It is checked every few seconds and read again after it was replaced, so that an updater
//! needs no restart. If the new file cannot be read, the old one stays in use. Refuses to download files.

mod file;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use domain::admission::origin::{Asn, Geo, Origin};
use domain::ports::{Clock, OriginLookup};
use maxminddb::{LookupResult, MaxMindDbError, Reader, geoip2};

use file::DatabaseFile;

type Database = Reader<Vec<u8>>;

/// The databases that give an address its location and its autonomous system. Each is optional.
#[derive(Debug)]
pub struct Databases {
    geoip: Option<DatabaseFile>,
    asn: Option<DatabaseFile>,
}

impl Databases {
    /// A file of cities or countries, and one of autonomous systems. A missing file is used once it appears.
    pub fn open(geoip: Option<PathBuf>, asn: Option<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        let open = |path: PathBuf| DatabaseFile::open(path, Arc::clone(&clock));
        Self { geoip: geoip.map(open), asn: asn.map(open) }
    }
}

impl OriginLookup for Databases {
    fn look_up(&self, address: IpAddr) -> Origin {
        // An IPv4-mapped IPv6 address has the location of the IPv4 address.
        let address = address.to_canonical();
        let geo = self.geoip.as_ref().and_then(|file| look_up(file, address, geo));
        let asn = self.asn.as_ref().and_then(|file| look_up(file, address, asn));
        Origin { geo, asn }
    }
}

/// Decodes a record of a database.
type Decode<T> = fn(&LookupResult<'_, Vec<u8>>) -> Result<Option<T>, MaxMindDbError>;

/// Looks up the address. Ignores a record of an unexpected shape.
fn look_up<T>(file: &DatabaseFile, address: IpAddr, decode: Decode<T>) -> Option<T> {
    file.current()?.lookup(address).and_then(|found| decode(&found)).unwrap_or_else(|error| {
        tracing::debug!(%error, "looking up an address failed");
        None
    })
}

fn geo(found: &LookupResult<'_, Vec<u8>>) -> Result<Option<Geo>, MaxMindDbError> {
    let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Ok(found.decode::<geoip2::City<'_>>()?.map(|city| Geo {
        continent: owned(city.continent.code),
        country: owned(city.country.iso_code),
        lat: city.location.latitude,
        long: city.location.longitude,
        city: owned(city.city.names.english),
    }))
}

fn asn(found: &LookupResult<'_, Vec<u8>>) -> Result<Option<Asn>, MaxMindDbError> {
    let Some(system) = found.decode::<geoip2::Asn<'_>>()? else { return Ok(None) };
    let network = Some(found.network()?.to_string());
    Ok(system.autonomous_system_number.map(|asn| Asn {
        asn,
        as_org: system.autonomous_system_organization.map(str::to_owned),
        network,
    }))
}
