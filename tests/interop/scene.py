"""The official client plays a whole CTS scene in the stand-in: scenario 01 with a walker at 1.6 m/s who
sets out at 20 m, and a driver who brakes for him; prints a transcript.

usage: scene.py PORT
"""

import math
import sys

import carla

# Of scenarios/cts/01.yaml, in CARLA's frame: y and yaw with the other sign.
START = (2.0, 270.0, -90.0)
GOAL = (2.0, 150.0)
GOAL_RADIUS_M = 3.0
WALKER = (-4.0, 200.0)
BEFORE = (0.0, 1.0)
AFTER = (1.0, 0.0)
STOP_X_M = 4.5
TICKS = 500
TICK_S = 0.05
# The scene.
SPEED_MPS = 1.6
DISTANCE_M = 20.0
# The driver.
CRUISE_MPS = 8.0
SEES_M = 25.0
ROAD_X_M = (-3.6, 4.4)


def walk(walker, ego, triggered: bool) -> bool:
    at = walker.get_location()
    triggered = triggered or abs(ego.get_location().y - at.y) < DISTANCE_M
    way = AFTER if triggered else BEFORE
    speed = 0.0 if at.x > STOP_X_M else SPEED_MPS
    walker.apply_control(carla.WalkerControl(carla.Vector3D(way[0], way[1], 0.0), speed))
    return triggered


def drive(ego, walker) -> bool:
    """True if it brakes for the walker."""
    here, there = ego.get_location(), walker.get_location()
    ahead = here.y - there.y
    blocked = 0.0 < ahead < SEES_M and ROAD_X_M[0] < there.x < ROAD_X_M[1]
    slow = -ego.get_velocity().y < CRUISE_MPS
    ego.apply_control(
        carla.VehicleControl(brake=1.0)
        if blocked
        else carla.VehicleControl(throttle=0.6 if slow else 0.0)
    )
    return blocked


def main() -> None:
    client = carla.Client("127.0.0.1", int(sys.argv[1]))
    client.set_timeout(60.0)
    world = client.get_world()
    before = world.get_settings()
    settings = world.get_settings()
    settings.synchronous_mode = True
    settings.fixed_delta_seconds = TICK_S
    world.apply_settings(settings)
    library = world.get_blueprint_library()

    def spawn(name, x, y, z, yaw, parent=None):
        at = carla.Transform(carla.Location(x, y, z), carla.Rotation(yaw=yaw))
        blueprint = library.find(name)
        if blueprint.has_attribute("is_invincible"):
            blueprint.set_attribute("is_invincible", "false")
        return world.spawn_actor(blueprint, at, attach_to=parent)

    ego = spawn("vehicle.audi.tt", START[0], START[1], 0.3, START[2])
    walker = spawn("walker.pedestrian.0001", WALKER[0], WALKER[1], 1.0, 90.0)
    sensor = spawn("sensor.other.collision", 0.0, 0.0, 0.0, 0.0, ego)
    hits = []
    sensor.listen(hits.append)
    world.tick()
    triggered, braked, stood, nearest, ticks = False, 0, False, math.inf, 0
    while ticks < TICKS:
        was = triggered
        triggered = walk(walker, ego, triggered)
        if triggered and not was:
            print("walker sets out at tick", ticks, "speed of the ego", round(-ego.get_velocity().y, 2))
        braked += drive(ego, walker)
        world.tick()
        ticks += 1
        here = ego.get_location()
        stood = stood or (braked > 0 and ego.get_velocity().length() < 0.1)
        nearest = min(nearest, here.distance(walker.get_location()))
        if math.hypot(here.x - GOAL[0], here.y - GOAL[1]) < GOAL_RADIUS_M:
            print("goal at tick", ticks)
            break
    print("walker stopped at", round(walker.get_location().x, 1))
    print("braked for", braked, "ticks, stood", stood, "nearest", round(nearest, 1))
    print("contacts", len(hits))
    sensor.stop()
    destroy = [carla.command.DestroyActor(a) for a in (sensor, walker, ego)]
    print("destroyed", [a.error for a in client.apply_batch_sync(destroy, True)])
    print("left", sorted(a.type_id for a in world.get_actors()))
    world.apply_settings(before)


main()
