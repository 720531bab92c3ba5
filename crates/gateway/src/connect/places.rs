//! What can be connected, and for whom. Nobody learns of a place here that they could not learn of by using it.

use std::sync::Arc;

use doorward_model::{Connecting, Credential, Name, Person, Place};

use crate::{
    people::admission,
    routes::{Destination, Entrance, Routes},
};

/// What is connected at a place, if that is how it gets its credential.
pub(super) fn connecting(routes: &Routes, place: &Place) -> Option<Arc<Connecting>> {
    let snapshot = &routes.snapshot;
    let credential = match place {
        Place::Upstream(name) => &snapshot.upstreams.get(name)?.credential,
        Place::Agent(name) => &snapshot.agents.get(name)?.credential,
    };
    of_credential(credential).map(Arc::clone)
}

/// The same, if this person may know of it.
pub(super) fn connecting_for(routes: &Routes, place: &Place, person: &Person) -> Option<Arc<Connecting>> {
    let connecting = connecting(routes, place)?;
    let visible = person.administrator || doors(routes, place).any(|door| admission::may_use(door, person));
    visible.then_some(connecting)
}

/// What is connected before a door can be used, if anything is: by each person, where it is not shared.
pub(super) fn behind(entrance: &Entrance) -> Option<&Arc<Connecting>> {
    of_credential(match &entrance.to {
        Destination::Server(server) => &server.upstream.credential,
        Destination::Agent(agent) => &agent.credential,
    })
}

/// Everything that this person may connect or has a part in, upstreams first, by name.
pub(super) fn all_for(routes: &Routes, person: &Person) -> Vec<Arc<Connecting>> {
    let snapshot = &routes.snapshot;
    let upstreams = snapshot.upstreams.keys().map(|name| Place::Upstream(name.clone()));
    let places = upstreams.chain(snapshot.agents.keys().map(|name| Place::Agent(name.clone())));
    places.filter_map(|place| connecting_for(routes, &place, person)).collect()
}

/// The names of the virtual servers behind which a place is, as far as this person may use them.
pub(super) fn used_by(routes: &Routes, place: &Place, person: &Person) -> Vec<String> {
    let Place::Upstream(_) = place else { return Vec::new() };
    let doors = doors(routes, place).filter(|door| person.administrator || admission::may_use(door, person));
    doors.map(|door| door.to.name().to_owned()).collect()
}

/// The place that a key stands for (see [`Place::key`]).
pub(super) fn parse(key: &str) -> Option<Place> {
    let (kind, name) = key.split_once(':')?;
    let name = Name::parse(name).ok()?;
    match kind {
        "upstream" => Some(Place::Upstream(name)),
        "agent" => Some(Place::Agent(name)),
        _ => None,
    }
}

/// The person whose connection is made by whoever is signed in: themselves, or everybody.
pub(super) fn person_of<'p>(connecting: &Connecting, person: &'p Person) -> &'p str {
    if connecting.shared { "" } else { &person.subject }
}

fn doors<'r>(routes: &'r Routes, place: &'r Place) -> impl Iterator<Item = &'r Arc<Entrance>> {
    routes.entrances().filter(move |door| match (&door.to, place) {
        (Destination::Server(server), Place::Upstream(name)) => server.upstream.name == *name,
        (Destination::Agent(agent), Place::Agent(name)) => agent.name == *name,
        _ => false,
    })
}

fn of_credential(credential: &Credential) -> Option<&Arc<Connecting>> {
    match credential {
        Credential::Connection(connecting) => Some(connecting),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written_and_nothing_else_is() {
        let name = |text| Name::parse(text).expect("a name");
        for place in [Place::Upstream(name("notes")), Place::Agent(name("a.b-c_1"))] {
            assert_eq!(parse(&place.key()), Some(place));
        }
        for text in
            ["", "upstream", "upstream:", "upstream:A", "server:x", "agent:a:b", "Upstream:x", "agent:../x"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
