"""A scripted session of the official client against the stand-in; prints a transcript.

usage: session.py PORT
"""

import sys
import time

import carla


def main() -> None:
    client = carla.Client("127.0.0.1", int(sys.argv[1]))
    client.set_timeout(60.0)
    print("version", client.get_server_version())
    world = client.get_world()
    before = world.get_settings()
    settings = world.get_settings()
    settings.synchronous_mode = True
    settings.fixed_delta_seconds = 0.05
    world.apply_settings(settings)
    library = world.get_blueprint_library()
    print("blueprints", sorted(b.id for b in library))
    print("map", world.get_map().name.split("/")[-1])

    def place(x, y, z, yaw):
        return carla.Transform(carla.Location(x, y, z), carla.Rotation(yaw=yaw))

    car = library.find("vehicle.audi.tt")
    car.set_attribute("role_name", "hero")
    ego = world.spawn_actor(car, place(2.0, 270.0, 0.3, -90.0))
    walker = world.spawn_actor(library.find("walker.pedestrian.0001"), place(2.0, 240.0, 1.0, 0.0))
    blocked = world.try_spawn_actor(car, place(2.0, 269.0, 0.3, -90.0))
    print("blocked place", blocked is None)
    sensor = world.spawn_actor(
        library.find("sensor.other.collision"), carla.Transform(), attach_to=ego
    )
    hits = []
    sensor.listen(lambda event: hits.append((event.frame, event.other_actor.type_id)))
    frame = world.tick()
    print("snapshot of the tick", world.get_snapshot().frame == frame)
    print("actors", sorted(a.type_id for a in world.get_actors()))
    walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 0.05))
    ego.apply_control(carla.VehicleControl(throttle=0.6))
    for _ in range(200):
        world.tick()
        if hits:
            break
    for _ in range(300):  # on a busy machine the event comes later than the ticks
        if hits:
            break
        time.sleep(0.1)
    print("walker went right", round(walker.get_location().x, 3) > 2.0)
    print("ego drives", round(ego.get_velocity().y, 1) < -2.0, ego.get_control().gear)
    print("collision with", hits[0][1])
    box = ego.bounding_box.extent
    print("box", round(box.x, 3), round(box.y, 3))
    wheel = ego.get_physics_control().wheels[0]
    print("wheel", round(wheel.max_steer_angle, 1))
    brake = carla.command.ApplyVehicleControl(ego, carla.VehicleControl(brake=1.0))
    answers = client.apply_batch_sync([brake], True)
    print("batch", [a.error for a in answers])
    sensor.stop()
    for actor in (sensor, walker, ego):
        print("destroyed", actor.destroy())
    world.tick()
    print("left", sorted(a.type_id for a in world.get_actors()))
    world.apply_settings(before)
    again = client.load_world("Town01")
    print("another episode", again.id != world.id)


main()
