"""The calls of our_calls.c with the official client; prints the same facts.

usage: calls.py PORT RECORDING
"""

import sys

import carla


def vec3(v) -> str:
    return f" {v.x:.9g} {v.y:.9g} {v.z:.9g}"


def entry(snapshot, actor, vehicle: bool) -> None:
    e = snapshot.find(actor.id)
    t = e.get_transform()
    r = t.rotation
    line = f"{actor.id} at{vec3(t.location)} turned {r.pitch:.9g} {r.yaw:.9g} {r.roll:.9g} moves"
    line += vec3(e.get_velocity()) + vec3(e.get_acceleration()) + vec3(e.get_angular_velocity())
    if vehicle:
        c = actor.get_control()
        line += f" control {c.throttle:.9g} {c.steer:.9g} {c.brake:.9g} {c.gear}"
    print(line)


def main() -> None:
    client = carla.Client("127.0.0.1", int(sys.argv[1]))
    client.set_timeout(60.0)
    client.get_server_version()
    world = client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode = True
    settings.fixed_delta_seconds = 0.05
    world.apply_settings(settings)
    world.get_map()
    library = world.get_blueprint_library()

    def place(x, y, z, yaw):
        return carla.Transform(carla.Location(x, y, z), carla.Rotation(yaw=yaw))

    blueprint = library.find("vehicle.audi.tt")
    blueprint.set_attribute("role_name", "hero")
    car = world.spawn_actor(blueprint, place(2.0, 270.0, 0.25, -90.0))
    blueprint = library.find("walker.pedestrian.0001")
    blueprint.set_attribute("role_name", "hyplan")
    blueprint.set_attribute("is_invincible", "false")
    walker = world.spawn_actor(blueprint, place(6.0, 240.0, 1.0, 0.0))
    blueprint = library.find("sensor.other.collision")
    blueprint.set_attribute("role_name", "hyplan")
    sensor = world.spawn_actor(blueprint, carla.Transform(), attach_to=car)
    sensor.listen(lambda event: None)

    client.start_recorder(sys.argv[2], True)
    car.get_physics_control()
    command = carla.command
    batch = [
        command.ApplyVehicleControl(car, carla.VehicleControl(throttle=0.5, steer=-0.25)),
        command.ApplyWalkerControl(walker, carla.WalkerControl(carla.Vector3D(0, 1, 0), 1.5)),
        command.ApplyTargetVelocity(car, carla.Vector3D(0, -3, 0)),
        command.ApplyTransform(car, place(3.0, 260.0, 0.25, -80.0)),
        command.SetSimulatePhysics(car, True),
    ]
    client.apply_batch_sync(batch, False)
    for _ in range(20):
        world.tick()
        snapshot = world.get_snapshot()
        entry(snapshot, car, True)
        entry(snapshot, walker, False)
    world.get_actors([a.id for a in world.get_snapshot()])
    car.enable_constant_velocity(carla.Vector3D(4, 0, 0))
    world.tick()
    entry(world.get_snapshot(), car, True)
    client.stop_recorder()
    sensor.stop()
    client.apply_batch_sync([command.DestroyActor(a) for a in (sensor, walker, car)], False)
    settings = world.get_settings()
    settings.synchronous_mode = False
    settings.fixed_delta_seconds = 0.0
    world.apply_settings(settings)
    client.load_world("Town01")


main()
