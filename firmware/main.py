# The pulser. What ends it is told on the console; then it starts anew, and the motor is off meanwhile.
import sys

from twintap_pulser.app import run

run()
sys.exit(0)
