//! Where addresses are, from files in [MaxMind's DB format](https://maxmind.github.io/MaxMind-DB/), such as `GeoLite2`.
//!
//! Owns when a file is read. It is looked at again every few seconds, and read again when it was replaced, so that an
//! updater needs no restart; one that cannot be read leaves the last good one in force. Without a file nothing is known.
//! Refuses to fetch files.

mod file;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use domain::admission::origin::{Asn, Geo, Origin};
use domain::ports::{Clock, Origins};
use maxminddb::{LookupResult, MaxMindDbError, Reader, geoip2};

use file::File;

type Database = Reader<Vec<u8>>;

/// The files, as they are now.
#[derive(Debug)]
pub struct Databases {
    geoip: Option<File>,
    asn: Option<File>,
}

impl Databases {
    /// A file of cities or countries, and one of autonomous systems. One that is not there is awaited.
    pub fn open(geoip: Option<PathBuf>, asn: Option<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        let open = |path: PathBuf| File::open(path, Arc::clone(&clock));
        Self { geoip: geoip.map(open), asn: asn.map(open) }
    }
}

impl Origins for Databases {
    fn of(&self, address: IpAddr) -> Origin {
        // An IPv4 address in IPv6's clothes is where the IPv4 address is.
        let address = address.to_canonical();
        let geo = self.geoip.as_ref().and_then(|file| found(file, address, geo));
        let asn = self.asn.as_ref().and_then(|file| found(file, address, asn));
        Origin { geo, asn }
    }
}

type Look<T> = fn(&LookupResult<'_, Vec<u8>>) -> Result<Option<T>, MaxMindDbError>;

/// A record that is not of the expected shape says nothing.
fn found<T>(file: &File, address: IpAddr, look: Look<T>) -> Option<T> {
    file.current()?.lookup(address).and_then(|found| look(&found)).unwrap_or_else(|error| {
        tracing::debug!(%error, "an address cannot be looked up");
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
