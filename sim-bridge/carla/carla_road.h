/** @file carla_road.h The stand-in's own map: a straight road along x = 0, a lane for each
 * direction.
 */
#ifndef CARLA_ROAD_H
#define CARLA_ROAD_H

static const char STRAIGHT_ROAD[] =
    "<?xml version=\"1.0\" standalone=\"yes\"?>\n"
    "<OpenDRIVE><header revMajor=\"1\" revMinor=\"4\" name=\"\" version=\"1\" north=\"0\" "
    "south=\"0\" east=\"0\" west=\"0\" vendor=\"\"><geoReference><![CDATA[+proj=tmerc +lat_0=0 "
    "+lon_0=0 +k=1 +x_0=0 +y_0=0 +datum=WGS84]]></geoReference></header>"
    "<road name=\"street\" length=\"700\" id=\"1\" junction=\"-1\"><link/>"
    "<type s=\"0\" type=\"town\"><speed max=\"30\" unit=\"mph\"/></type>"
    "<planView><geometry s=\"0\" x=\"0\" y=\"-400\" hdg=\"1.5707963267948966\" length=\"700\">"
    "<line/></geometry></planView>"
    "<elevationProfile><elevation s=\"0\" a=\"0\" b=\"0\" c=\"0\" d=\"0\"/></elevationProfile>"
    "<lateralProfile/><lanes><laneOffset s=\"0\" a=\"0\" b=\"0\" c=\"0\" d=\"0\"/>"
    "<laneSection s=\"0\">"
    "<left><lane id=\"1\" type=\"driving\" level=\"false\"><link/><width sOffset=\"0\" a=\"3\" "
    "b=\"0\" c=\"0\" d=\"0\"/></lane></left>"
    "<center><lane id=\"0\" type=\"none\" level=\"false\"><link/></lane></center>"
    "<right><lane id=\"-1\" type=\"driving\" level=\"false\"><link/><width sOffset=\"0\" a=\"3\" "
    "b=\"0\" c=\"0\" d=\"0\"/></lane></right>"
    "</laneSection></lanes><objects/><signals/></road></OpenDRIVE>\n";

#endif
